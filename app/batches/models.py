"""Batches and their items."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models import Mode
from app.core.db import Base


class Batch(Base):
    """Many orders of one operation, accepted at once.

    Triggers on `tasks` keep the counts and `completed_at`, and write `batch.completed` when for the first time nothing
    is open (`is_told`). A task that is tried again opens its batch again.
    """

    __tablename__ = "batches"
    __table_args__ = (
        CheckConstraint("mode in ('live', 'test')", name="mode"),
        CheckConstraint(
            "least(refused, open, succeeded, failed, canceled) >= 0"
            " and refused + open + succeeded + failed + canceled = total",
            name="counts",
        ),
        CheckConstraint("(open = 0) = (completed_at is not null)", name="completed_at"),
        Index("ix_batches_newest", "workspace_id", "mode", text("created_at desc"), text("id desc")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    key_id: Mapped[UUID | None]
    mode: Mapped[Mode] = mapped_column(String)
    operation: Mapped[str]
    model: Mapped[str]
    provider: Mapped[str | None]
    routing: Mapped[dict[str, Any]]
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    total: Mapped[int]
    refused: Mapped[int]
    """Items that were no orders: they have no task."""
    open: Mapped[int]
    succeeded: Mapped[int]
    failed: Mapped[int]
    canceled: Mapped[int]
    quoted: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    charged: Mapped[int] = mapped_column(BigInteger)
    is_told: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]


class BatchItem(Base):
    """One item as it was sent: the task it became, or why it became none."""

    __tablename__ = "batch_items"
    __table_args__ = (CheckConstraint("(task_id is null) = (error is not null)", name="error"),)

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id", ondelete="cascade"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    filename: Mapped[str | None]
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    task_id: Mapped[UUID | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
