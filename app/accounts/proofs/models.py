"""Proofs that somebody reads a mailbox: what the links in mails stand for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class Purpose(StrEnum):
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105
    CHANGE_EMAIL_OLD = "change_email_old"
    CHANGE_EMAIL_NEW = "change_email_new"
    CONFIRM_IDENTITY = "confirm_identity"
    """That whoever signed in elsewhere may sign in to the account of this mailbox."""
    CONFIRM = "confirm"
    """That it is still the user who is signed in, for those who have no password."""


class Proof(Base):
    """One link of one use. Its token is made of its id (`app.core.tokens`), so none rests here."""

    __tablename__ = "proofs"
    __table_args__ = (Index(None, "user_id", "purpose"), Index(None, "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    purpose: Mapped[str]
    email: Mapped[str]
    """The mailbox that is proved."""
    password_hash: Mapped[str | None]
    """With VERIFY_EMAIL, the password of the sign-up the link was sent for."""
    session_id: Mapped[UUID | None]
    """With CONFIRM, whose session is confirmed."""
    issuer: Mapped[str | None]
    """With CONFIRM_IDENTITY, who signed in where: issuer and subject."""
    subject: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
