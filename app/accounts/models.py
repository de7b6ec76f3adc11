"""Users, workspaces, their members, and API keys."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id

Mode = Literal["live", "test"]


class Role(StrEnum):
    """What a user is to the whole installation."""

    USER = "user"
    ADMIN = "admin"


class WorkspaceRole(StrEnum):
    """What a user is to a workspace; `app.accounts.permissions` says what each may do."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class WorkspaceKind(StrEnum):
    PERSONAL = "personal"
    TEAM = "team"


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ERASED = "erased"


class Scope(StrEnum):
    """What an API key, or a member by their role, may do in a workspace."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    ASSETS_READ = "assets:read"
    ASSETS_WRITE = "assets:write"
    CREDITS_READ = "credits:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    WORKSPACE_READ = "workspace:read"
    WORKSPACE_WRITE = "workspace:write"
    AUDIT_READ = "audit:read"
    EVENTS_READ = "events:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", text("lower(email)"), unique=True),
        Index("ix_users_canonical_email", "canonical_email"),
        CheckConstraint("role in ('user', 'admin')", name="role"),
        CheckConstraint("status in ('active', 'suspended', 'erased')", name="status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]
    canonical_email: Mapped[str | None]
    """The mailbox behind the address, as far as its provider's rules are known: what limits on sign-up count by. Null:
    there is none."""
    email_verified_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    """When whoever holds the mailbox and whoever holds the password were shown to be the same. Until then, what was set
    up before is dropped when the mailbox's owner comes by another way (docs/accounts.md)."""
    no_welcome: Mapped[bool] = mapped_column(default=False, server_default="false")
    """The mailbox had welcome credits before: decided when the address is verified, read when credits are given."""
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    name: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    role: Mapped[str] = mapped_column(default=Role.USER)
    status: Mapped[str] = mapped_column(default=UserStatus.ACTIVE)
    erase_at: Mapped[datetime | None]
    """The end of the time in which a deletion can be taken back."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Workspace(Base):
    """What resources, credits and keys belong to. Every user has one personal workspace."""

    __tablename__ = "workspaces"
    __table_args__ = (
        Index("uq_workspaces_personal", "owner_id", unique=True, postgresql_where=text("kind = 'personal'")),
        CheckConstraint("kind in ('personal', 'team')", name="kind"),
        CheckConstraint("kind = 'team' or owner_id is not null", name="owner"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=WorkspaceKind.PERSONAL)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Whose personal workspace it is. The owners of a team are in `members`."""
    plan: Mapped[str] = mapped_column(default="free", server_default="free")
    """The name of a row of `plans`."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    deleted_at: Mapped[datetime | None]


class Member(Base):
    """A user in a workspace. Of a personal workspace its user is the one owner."""

    __tablename__ = "members"
    __table_args__ = (
        Index(None, "user_id"),
        CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name="role"),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ApiKey(Base):
    """A key of a workspace. Of the secret only its SHA-256 is kept: 256 random bits need nothing slower."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(None, "workspace_id", "created_at"),
        CheckConstraint("mode in ('live', 'test')", name="mode"),
        CheckConstraint("(previous_secret_hash is null) = (previous_until is null)", name="previous"),
        CheckConstraint("rate_limit > 0", name="rate_limit"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    mode: Mapped[str]
    name: Mapped[str]
    secret_hash: Mapped[bytes]
    hint: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    allowed_ips: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    """Addresses and networks; null: anywhere."""
    allowed_operations: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    rate_limit: Mapped[int | None]
    """Requests in a minute."""
    budget_key_id: Mapped[UUID | None]
    """The key whose row of `key_budgets` its orders count in: its own, or that of the key it was made by."""
    previous_secret_hash: Mapped[bytes | None]
    """Of the secret before, which works until `previous_until`."""
    previous_until: Mapped[datetime | None]
    rotated_at: Mapped[datetime | None]
    last_used_ip: Mapped[str | None]


class KeyBudget(Base):
    """What may be spent with a key. Counted by the functions of the ledger, under the lock of the credit account."""

    __tablename__ = "key_budgets"
    __table_args__ = (
        CheckConstraint("period in ('total', 'day', 'month')", name="period"),
        CheckConstraint("credits > 0", name="credits"),
        CheckConstraint("spent >= 0", name="spent"),
    )

    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id", ondelete="cascade"), primary_key=True)
    credits: Mapped[int | None] = mapped_column(BigInteger)
    """Millionths of a credit; null: no longer limited."""
    period: Mapped[str]
    started_at: Mapped[datetime]
    """Of the period that `spent` is of. It may be over: the next order closes it."""
    round: Mapped[int]
    """Counts periods: a hold counts in the round it was taken in."""
    spent: Mapped[int] = mapped_column(BigInteger)
