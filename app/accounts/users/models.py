"""What is known of mailboxes when their accounts are gone."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base


class WelcomedMailbox(Base):
    """A mailbox whose account had welcome credits, and was erased or moved to another one. Whose it is does not rest:
    the key is an HMAC."""

    __tablename__ = "welcomed_mailboxes"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
