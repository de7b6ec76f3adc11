"""Endpoints that want events, what is to be delivered to whom, and each attempt at it.

The functions that fan out, claim and note are in migrations 1020 and 1021, with the order in which rows are locked.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models import Mode
from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """`gone`: it said so, with status 410. `failing`: nothing else than failures for days."""

    USER = "user"
    GONE = "gone"
    FAILING = "failing"


class DeliveryStatus(StrEnum):
    """`discarded`: its endpoint was disabled or deleted before it was delivered."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DISCARDED = "discarded"


class WebhookEndpoint(Base):
    """Where a workspace wants its events. The secret is not kept: it is made of the id and the generation."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        Index(None, "workspace_id", "mode", "created_at"),
        CheckConstraint("mode in ('live', 'test')", name="mode"),
        CheckConstraint("status in ('enabled', 'disabled')", name="status"),
        CheckConstraint("disabled_reason in ('user', 'gone', 'failing')", name="disabled_reason"),
        CheckConstraint("(status = 'disabled') = (disabled_reason is not null)", name="disabled"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    mode: Mapped[Mode] = mapped_column(String)
    url: Mapped[str]
    description: Mapped[str | None]
    event_types: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    """Types, and families of them as `task.*`; null: all."""
    headers: Mapped[bytes | None]
    """Further headers of its deliveries, sealed: they may let us in there."""
    status: Mapped[str] = mapped_column(default=EndpointStatus.ENABLED, server_default="enabled")
    disabled_reason: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    secret_generation: Mapped[int] = mapped_column(default=1, server_default="1")
    secret_rotated_at: Mapped[datetime | None]
    previous_secret_until: Mapped[datetime | None]
    """The secret of the generation before signs too until then."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)


class WebhookSigningSecret(Base):
    """What signs deliveries to the URLs of tasks; no row: the first generation, which nobody was shown."""

    __tablename__ = "webhook_signing_secrets"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    mode: Mapped[Mode] = mapped_column(String, primary_key=True)
    generation: Mapped[int]
    rotated_at: Mapped[datetime]
    previous_secret_until: Mapped[datetime | None]


class WebhookQueue(Base):
    """What waits for one target, and how that is doing: workers look at the targets that have something due.

    A target is an endpoint, or a server that a workspace's orders name in their `webhook_url`.
    """

    __tablename__ = "webhook_queues"
    __table_args__ = (
        Index("ix_webhook_queues_good", "next_due_at", postgresql_where=text("failures = 0")),
        Index("ix_webhook_queues_failing", "next_due_at", postgresql_where=text("failures > 0")),
    )

    target_id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    mode: Mapped[Mode] = mapped_column(String)
    endpoint_id: Mapped[UUID | None]
    next_due_at: Mapped[datetime | None]
    """Nothing is due before."""
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """In a row."""
    failing_since: Mapped[datetime | None]
    last_failed_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]


class WebhookDelivery(Base):
    """One event for one target, delivered at least once."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "target_id"),
        CheckConstraint("status in ('pending', 'succeeded', 'failed', 'discarded')", name="status"),
        CheckConstraint("(endpoint_id is null) = (url is not null)", name="url"),
        CheckConstraint("(status = 'pending') = (ended_at is null)", name="ended_at"),
        Index("ix_webhook_deliveries_due", "target_id", "due_at", "id", postgresql_where=text("status = 'pending'")),
        Index(
            "ix_webhook_deliveries_claimed",
            "target_id",
            postgresql_where=text("status = 'pending' and claimed_until is not null"),
        ),
        Index("ix_webhook_deliveries_newest", "workspace_id", "mode", text("created_at desc"), text("id desc")),
        Index(
            "ix_webhook_deliveries_endpoint",
            "endpoint_id",
            text("created_at desc"),
            text("id desc"),
            postgresql_where=text("endpoint_id is not null"),
        ),
        Index("ix_webhook_deliveries_task", "task_id", postgresql_where=text("task_id is not null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID]
    mode: Mapped[Mode] = mapped_column(String)
    endpoint_id: Mapped[UUID | None]
    """It may be deleted by now."""
    target_id: Mapped[UUID]
    url: Mapped[str | None]
    """Of a task; that of an endpoint may change between attempts."""
    event_id: Mapped[UUID]
    """Shown as `webhook-id`, whichever attempt it is."""
    event_type: Mapped[str]
    task_id: Mapped[UUID | None]
    payload: Mapped[str | None] = mapped_column(Text)
    """Of a test, whose event is not in the log."""
    status: Mapped[str] = mapped_column(default=DeliveryStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Of the attempts, those since it was last asked for."""
    due_at: Mapped[datetime] = mapped_column(default=clock.now)
    """Of one under way, the end of the lease: whoever sends it may have died."""
    claimed_until: Mapped[datetime | None]
    response_status: Mapped[int | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """What was sent, and what came back. The answer is the words of a stranger."""

    __tablename__ = "webhook_attempts"

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_deliveries.id", ondelete="cascade"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    mode: Mapped[Mode] = mapped_column(String)
    started_at: Mapped[datetime]
    seconds: Mapped[float] = mapped_column(Double)
    url: Mapped[str]
    request_headers: Mapped[dict[str, Any]]
    """Values of the endpoint's own headers are masked."""
    request_body: Mapped[str | None] = mapped_column(Text)
    status: Mapped[int | None]
    response_headers: Mapped[dict[str, Any] | None]
    response_body: Mapped[str | None] = mapped_column(Text)
    """Its first bytes."""
    error: Mapped[str | None]
    detail: Mapped[str | None]
