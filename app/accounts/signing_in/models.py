"""Who guesses passwords, and who does not."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class SignInGuard(Base):
    """How signing in to one account from one network went. Whose it is does not rest: the key is an HMAC."""

    __tablename__ = "sign_in_guards"
    __table_args__ = (Index(None, "forget_at"),)

    key: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    """Attempts since the last success or lock, those under way too."""
    failed_at: Mapped[datetime | None]
    locked_until: Mapped[datetime | None]
    known_at: Mapped[datetime | None]
    """When somebody last signed in from there: others' guesses elsewhere do not slow it down."""
    forget_at: Mapped[datetime]
