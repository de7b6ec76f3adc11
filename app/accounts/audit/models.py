"""The audit log: who did what to what, from where. Append-only, and each entry seals the one before."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class AuditEntry(Base):
    """One act. What may have to be erased one day (addresses, names) is in `audit_details`; the chain has its hash."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        UniqueConstraint("chain", "number"),
        Index(None, "actor_id", "created_at"),
        Index("ix_audit_entries_newest", "workspace_id", text("created_at desc"), text("id desc")),
        Index("ix_audit_entries_everywhere", text("created_at desc"), text("id desc")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    chain: Mapped[UUID]
    """The workspace, or UUID zero for acts on the installation as a whole."""
    number: Mapped[int] = mapped_column(BigInteger)
    workspace_id: Mapped[UUID | None]
    actor_kind: Mapped[str]
    """user | api_key | admin | operator (the command line) | system | anonymous"""
    actor_id: Mapped[UUID | None]
    """The user; of an API key the user who made it."""
    key_id: Mapped[UUID | None]
    action: Mapped[str]
    """What was done, as `password.changed`."""
    target_kind: Mapped[str | None]
    target_id: Mapped[UUID | None]
    details_hash: Mapped[bytes]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class AuditChain(Base):
    """The end of each chain; whoever adds to it locks this row, as the last thing their transaction does."""

    __tablename__ = "audit_chains"

    chain: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]


class AuditDetails(Base):
    """The part of an entry that can be erased. Salted, so that the hash in the chain does not tell what it was."""

    __tablename__ = "audit_details"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    salt: Mapped[bytes]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    data: Mapped[dict[str, Any]]
