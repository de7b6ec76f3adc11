"""SQL of administration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.identities.models import Identity
from app.accounts.models import Member, Role, User, UserStatus, Workspace
from app.accounts.sessions.models import Session
from app.core.paging import PageRequest


@dataclass(frozen=True, slots=True)
class UserFilters:
    """Which users are wanted; None: all."""

    email: str | None = None
    """A part of the address."""
    status: str | None = None
    role: str | None = None


async def list_users(session: AsyncSession, page: PageRequest, filters: UserFilters) -> Sequence[User]:
    query = select(User)
    if filters.email:
        query = query.where(func.strpos(func.lower(User.email), filters.email.lower()) > 0)
    if filters.status:
        query = query.where(User.status == filters.status)
    if filters.role:
        query = query.where(User.role == filters.role)
    if page.after:
        query = query.where(tuple_(User.created_at, User.id) < (page.after.created_at, page.after.id))
    query = query.order_by(User.created_at.desc(), User.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def find_user(session: AsyncSession, user_id: UUID) -> User | None:
    return await session.get(User, user_id, populate_existing=True)


async def lock_admins(session: AsyncSession) -> Sequence[User]:
    """Those who can act, in the order of their ids: whoever changes who is one waits."""
    query = (
        select(User)
        .where(User.role == Role.ADMIN, User.status == UserStatus.ACTIVE, User.erase_at.is_(None))
        .order_by(User.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalars().all()


async def list_admins(session: AsyncSession) -> Sequence[User]:
    return (await session.execute(select(User).where(User.role == Role.ADMIN).order_by(User.email))).scalars().all()


async def list_memberships(session: AsyncSession, user_id: UUID) -> Sequence[Row[UUID, str, str, str]]:
    query = (
        select(Workspace.id, Workspace.name, Workspace.kind, Member.role)
        .join(Member, Member.workspace_id == Workspace.id)
        .where(Member.user_id == user_id, Workspace.deleted_at.is_(None))
        .order_by(Workspace.created_at, Workspace.id)
    )
    return (await session.execute(query)).all()


async def list_issuers(session: AsyncSession, user_id: UUID) -> Sequence[str]:
    query = select(Identity.issuer).where(Identity.user_id == user_id).order_by(Identity.issuer)
    return (await session.execute(query)).scalars().all()


async def count_sessions(session: AsyncSession, user_id: UUID) -> Row[*tuple[Any, ...]]:
    """open_sessions, last_used_at"""
    is_open = Session.revoked_at.is_(None) & (Session.expires_at > func.now())
    query = select(
        func.count().filter(is_open).label("open_sessions"), func.max(Session.last_used_at).label("last_used_at")
    ).where(Session.user_id == user_id)
    return (await session.execute(query)).one()
