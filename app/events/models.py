"""The event log: one row per change, written in the transaction that makes it.

`events` and `feed` are partitioned by week (by the id, which begins with its time): see migration 1000.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class Event(Base):
    """What happened. `position` orders the events of one task, and those of one batch.

    They are written under the lock of the task's row; a trigger numbers those of a batch under the lock of the batch's.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "task_id", "position"),
        Index(None, "workspace_id", "position"),
        Index("ix_events_batch", "batch_id", "position", postgresql_where=text("batch_id is not null")),
        {"postgresql_partition_by": "range (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    position: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('events_position_seq'::regclass)"))
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    type: Mapped[str]
    task_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Unpublished(Base):
    """An event that is committed and has no number yet. A trigger writes these rows, `publish_events` takes them."""

    __tablename__ = "event_outbox"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[UUID]
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    type: Mapped[str]


class Published(Base):
    """An event in the order everybody reads: who has seen a number has missed none before it."""

    __tablename__ = "feed"
    __table_args__ = (
        Index(None, "workspace_id", "mode", "number"),
        {"postgresql_partition_by": "range (event_id)"},
    )

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    type: Mapped[str]


class EventLog(Base):
    """The one row of what is to be known of the log: the last number given, and since when it is kept whole."""

    __tablename__ = "event_log"
    __table_args__ = (CheckConstraint("only_one", name="only_one"),)

    only_one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    number: Mapped[int] = mapped_column(BigInteger, server_default="0")
    kept_since: Mapped[datetime | None]
