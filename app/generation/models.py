"""Tasks, their steps, and the attempts made at each step."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Mode
from app.core import clock
from app.core.db import Base
from app.core.ids import new_id
from app.providers.base import REMOTE


class TaskStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    RECONCILING = "reconciling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class StepStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class AttemptStatus(StrEnum):
    """`submitting` until an answer is recorded: what a crash leaves behind. `unknown` when none ever came."""

    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELED = "canceled"


OPEN = (TaskStatus.PENDING, TaskStatus.PROCESSING, TaskStatus.RECONCILING)
ENDED = (TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED)


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({names})", name=column)


class Task(Base):
    """A customer's order, and the truth about it.

    A pending task waits for a slot of its queue. Of any other open one `wake_at` is when something is due: the end of
    a worker's lease, the next try, the next poll. `fence` counts claims; a write that does not carry the current one
    changes nothing. `version` counts the changes a reader can see.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        _one_of("status", TaskStatus),
        CheckConstraint("mode in ('live', 'test')", name="mode"),
        CheckConstraint("charged between 0 and quoted", name="charged"),
        Index(
            "ix_tasks_newest",
            "workspace_id",
            "mode",
            text("created_at desc"),
            text("id desc"),
            postgresql_where=text("deleted_at is null"),
        ),
        Index("ix_tasks_due", "lane", "wake_at", postgresql_where=text("status in ('processing', 'reconciling')")),
        Index("ix_tasks_queued", "workspace_id", "mode", "lane", "id", postgresql_where=text("status = 'pending'")),
        Index("ix_tasks_batch", "batch_id", "batch_index", postgresql_where=text("batch_id is not null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    key_id: Mapped[UUID | None]
    ordered_by: Mapped[UUID | None]
    """The user, where it was no API key."""
    mode: Mapped[Mode] = mapped_column(String)
    operation: Mapped[str]
    status: Mapped[str] = mapped_column(default=TaskStatus.PENDING)
    input: Mapped[dict[str, Any]]
    model: Mapped[str]
    provider: Mapped[str | None]
    routing: Mapped[dict[str, Any]]
    route: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    route_index: Mapped[int] = mapped_column(default=0)
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    num_outputs: Mapped[int]
    quoted: Mapped[int] = mapped_column(BigInteger)
    charged: Mapped[int] = mapped_column(BigInteger, default=0)
    balance: Mapped[int] = mapped_column(BigInteger)
    estimated_seconds: Mapped[int]
    output_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    lane: Mapped[str] = mapped_column(default=REMOTE, server_default=REMOTE)
    """Of the provider to be called next: whose capacity the task waits for."""
    size_class: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """Of one result; see `history.size_class`."""
    batch_id: Mapped[UUID | None]
    batch_index: Mapped[int | None]
    webhook_url: Mapped[str | None]
    """Who else is told of its end."""
    version: Mapped[int] = mapped_column(default=1)
    run: Mapped[int] = mapped_column(default=1)
    fence: Mapped[int] = mapped_column(default=0)
    wake_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deadline_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    steps: Mapped[list["TaskStep"]] = relationship(
        lazy="raise", order_by="TaskStep.position", cascade="all, delete-orphan"
    )
    attempts: Mapped[list["TaskAttempt"]] = relationship(
        lazy="raise", order_by="TaskAttempt.id", cascade="all, delete-orphan"
    )

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED


class TaskStep(Base):
    """One call of the pipeline, with the files it made."""

    __tablename__ = "task_steps"
    __table_args__ = (_one_of("status", StepStatus),)

    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="cascade"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str] = mapped_column(default=StepStatus.PENDING)
    asset_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class TaskAttempt(Base):
    """One request to a provider, recorded before it is made. Its id is the reference the provider gets."""

    __tablename__ = "task_attempts"
    __table_args__ = (_one_of("status", AttemptStatus), Index(None, "task_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="cascade"))
    run: Mapped[int]
    position: Mapped[int]
    part: Mapped[int] = mapped_column(default=0, server_default="0")
    """Which of the step's calls: each is an attempt of its own."""
    provider: Mapped[str]
    model: Mapped[str]
    status: Mapped[str] = mapped_column(default=AttemptStatus.SUBMITTING)
    provider_reference: Mapped[str | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    cost_microusd: Mapped[int | None] = mapped_column(BigInteger)
    asset_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    """What this call made."""
    callbacks: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often the provider called back, the same delivery counted once."""
    called_back_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]


MOST_CALLBACK_BYTES = 64 * 1024


class InboundCallback(Base):
    """What a provider sent when it called back, for a week. Nobody acts on it: the provider is asked."""

    __tablename__ = "inbound_callbacks"
    __table_args__ = (
        UniqueConstraint("attempt_id", "digest"),
        CheckConstraint(f"octet_length(body) <= {MOST_CALLBACK_BYTES}", name="body"),
        Index(None, "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("task_attempts.id", ondelete="cascade"))
    provider: Mapped[str]
    digest: Mapped[bytes]
    """Of what tells this delivery from others: the provider's id for it, where that is signed, else the body."""
    body: Mapped[bytes]
    """Its beginning, where it is longer."""
    body_bytes: Mapped[int]
    content_type: Mapped[str | None]
    deliveries: Mapped[int] = mapped_column(default=1, server_default="1")
    """How often the same came."""
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ImportedFile(Base):
    """What a URL named in a batch was imported as: once, however many items name it."""

    __tablename__ = "imported_files"

    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    url_digest: Mapped[bytes] = mapped_column(primary_key=True)
    asset_id: Mapped[UUID]


class TaskQueue(Base):
    """What a workspace has waiting and running in one lane: kept by a trigger on `tasks`, so it is always true.

    Among those with something queued and a free slot, the one served longest ago is next.
    """

    __tablename__ = "task_queues"
    __table_args__ = (
        CheckConstraint("queued >= 0 and running >= 0", name="counts"),
        Index("ix_task_queues_next", "lane", "served_at", postgresql_where=text("queued > 0 and running < slots")),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[Mode] = mapped_column(String, primary_key=True)
    lane: Mapped[str] = mapped_column(primary_key=True)
    queued: Mapped[int]
    running: Mapped[int]
    slots: Mapped[int]
    """How many may run at once."""
    room: Mapped[int]
    """How many may be queued; this and the slots are those of the workspace's plan."""
    served_at: Mapped[datetime] = mapped_column(server_default=text("'-infinity'"))


class TaskDuration(Base):
    """How long tasks of one kind take: the mean of about the last fifty, in seconds of one output."""

    __tablename__ = "task_durations"

    operation: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    size_class: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    runs: Mapped[int] = mapped_column(BigInteger)
    mean_seconds: Mapped[float] = mapped_column(Double)
