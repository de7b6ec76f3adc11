"""Users, workspaces and API keys."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id

Mode = Literal["live", "test"]


class Role(StrEnum):
    USER = "user"
    ADMIN = "admin"


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Scope(StrEnum):
    """What an API key may do."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    ASSETS_READ = "assets:read"
    ASSETS_WRITE = "assets:write"
    CREDITS_READ = "credits:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", text("lower(email)"), unique=True),
        CheckConstraint("role in ('user', 'admin')", name="role"),
        CheckConstraint("status in ('active', 'suspended')", name="status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]
    role: Mapped[str] = mapped_column(default=Role.USER)
    status: Mapped[str] = mapped_column(default=UserStatus.ACTIVE)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Workspace(Base):
    """What resources, credits and keys belong to. Every user has one personal workspace."""

    __tablename__ = "workspaces"
    __table_args__ = (
        Index("uq_workspaces_personal", "owner_id", unique=True, postgresql_where=text("kind = 'personal'")),
        CheckConstraint("kind in ('personal', 'team')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="personal")
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    plan: Mapped[str] = mapped_column(default="free", server_default="free")
    """The name of a row of `plans`."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ApiKey(Base):
    """A key of a workspace. Of the secret only its SHA-256 is kept: 256 random bits need nothing slower."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(None, "workspace_id", "created_at"),
        CheckConstraint("mode in ('live', 'test')", name="mode"),
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
