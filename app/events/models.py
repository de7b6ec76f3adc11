"""The event log: one row per change, written in the transaction that makes it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
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
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True, default=new_id)
    workspace_id: Mapped[UUID]
    mode: Mapped[str]
    type: Mapped[str]
    task_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
