"""Identities elsewhere that sign a user in here, and sign-ins elsewhere that are under way."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class Identity(Base):
    """Who a user is at another issuer. The key is issuer and subject: addresses change hands, these do not."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"), Index(None, "user_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    issuer: Mapped[str]
    """The `iss` of an OpenID issuer, else the base URL of the provider."""
    subject: Mapped[str]
    email: Mapped[str | None]
    """What a provider said last, and another issuer at the first sign-in; shown to the user, never searched by."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]


class OauthAttempt(Base):
    """A browser that was sent to a provider. It is known by a secret in a cookie; the row goes when it comes back."""

    __tablename__ = "oauth_attempts"
    __table_args__ = (Index(None, "expires_at"), CheckConstraint("purpose in ('sign_in', 'link')", name="purpose"))

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    provider: Mapped[str]
    purpose: Mapped[str]
    redirect_to: Mapped[str | None]
    cookies: Mapped[bool]
    challenge: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]


class OauthCode(Base):
    """What a front end gets after a sign-in at a provider, to be exchanged once: for a session of the identity's user,
    as long as it has that identity; or, without one, for linking what was proved to whoever is signed in."""

    __tablename__ = "oauth_codes"
    __table_args__ = (
        Index(None, "expires_at"),
        Index(None, "identity_id"),
        CheckConstraint("(identity_id is null) = (issuer is not null and subject is not null)", name="stands_for_one"),
    )

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    challenge: Mapped[str]
    identity_id: Mapped[UUID | None] = mapped_column(ForeignKey("identities.id", ondelete="CASCADE"))
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    email: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
