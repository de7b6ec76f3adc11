"""Exports of what an account holds, and erasures of accounts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class ExportStatus(StrEnum):
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


class Export(Base):
    """One archive, asked for by a user. While it is pending, `due_at` is the end of a lease, or the next try."""

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'ready', 'failed', 'expired')", name="status"),
        CheckConstraint("(status = 'ready') <= (bytes is not null and expires_at is not null)", name="ready"),
        Index(None, "user_id", "created_at"),
        Index("uq_exports_open", "user_id", unique=True, postgresql_where=text("status = 'pending'")),
        Index("ix_exports_due", "due_at", postgresql_where=text("status = 'pending'")),
        Index("ix_exports_expires", "expires_at", postgresql_where=text("status = 'ready'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str] = mapped_column(default=ExportStatus.PENDING)
    key: Mapped[str] = mapped_column(unique=True)
    """Where it is kept; known before anything is written there."""
    size: Mapped[int | None] = mapped_column("bytes", BigInteger)
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was begun; a worker that is not at the newest may not end it."""
    due_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    completed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class Erasure(Base):
    """An account that is to be erased. The row stays: it says that, and when, it was done, of an id nobody holds.

    Until `begun_at` the user may take it back (then the row goes). Until `ended_at` a worker looks at it whenever it is
    due: every step of it may be done again.
    """

    __tablename__ = "erasures"
    __table_args__ = (Index("ix_erasures_due", "due_at", postgresql_where=text("ended_at is null")),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    due_at: Mapped[datetime]
    """The end of the grace, then of a worker's lease."""
    begun_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    """Nothing but the last mail is left."""
    ended_at: Mapped[datetime | None]
    mail_id: Mapped[UUID | None]
    """The last mail, which alone still has the address."""
