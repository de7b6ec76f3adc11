"""The outbox of mails: written in the transaction of what they tell of, sent by a worker."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base


class Mail(Base):
    """One mail to one address. Its id is that of its event: what it tells of happened once, and is told once.

    The link's token is not kept: it is made of `token_id` when the mail is sent (`app.core.tokens`).
    """

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'sent', 'failed', 'expired')", name="status"),
        Index("ix_mails_due", "due_at", postgresql_where=text("status = 'pending'")),
        Index("ix_mails_next", "attempts", "due_at", postgresql_where=text("status = 'pending'")),
        Index(None, "to_address"),
        Index(None, "workspace_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    to_address: Mapped[str]
    locale: Mapped[str]
    facts: Mapped[dict[str, Any]]
    workspace_id: Mapped[UUID | None]
    """Whose affairs it is about."""
    token_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    """It makes no sense after this: the token is no longer good."""
    status: Mapped[str] = mapped_column(default="pending", server_default="pending")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(default=clock.now)
    """Of one that is being sent, the end of the lease: whoever sends it may have died."""
    error: Mapped[str | None]
    provider_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]


class MailPause(Base):
    """No worker sends by this backend until then: it said so, refuses us, or cannot be reached."""

    __tablename__ = "mail_pauses"

    backend: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    reason: Mapped[str]


class CaughtMail(Base):
    """In development: a mail as it was made, with its links. Shown at `/dev/mail`."""

    __tablename__ = "caught_mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    to_address: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    raw: Mapped[bytes]
    workspace_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
