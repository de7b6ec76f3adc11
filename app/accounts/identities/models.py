"""Identities elsewhere that sign a user in here."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
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
    """What the issuer said last; shown to the user, never searched by."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]
