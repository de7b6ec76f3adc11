"""Sessions: a user signed in on one device."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class Session(Base):
    """One sign-in. No token rests: they are made of `id`, `nonce` and `generation` with a key of the installation's."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "expires_at"),
        CheckConstraint("kind in ('bearer', 'cookie')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    nonce: Mapped[bytes]
    generation: Mapped[int] = mapped_column(default=0)
    """How often the refresh token was changed for the next."""
    rotated_at: Mapped[datetime] = mapped_column(default=clock.now)
    user_agent: Mapped[str | None]
    ip: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime] = mapped_column(default=clock.now)
    confirmed_at: Mapped[datetime | None]
    """When the user last proved again who they are, for acts that want it fresh."""
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None]


class SigningKey(Base):
    """A key of access tokens; the one that is not retired signs. Sealed: whoever reads the table can sign nothing."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index("uq_signing_keys_current", text("(true)"), unique=True, postgresql_where=text("retired_at is null")),
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    secret: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]
