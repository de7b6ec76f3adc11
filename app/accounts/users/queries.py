"""SQL of users and their personal workspaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.identities.models import Identity
from app.accounts.models import ApiKey, Member, User, Workspace, WorkspaceKind, WorkspaceRole
from app.accounts.sessions.models import Session
from app.accounts.users.models import WelcomedMailbox
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id


@dataclass(frozen=True, slots=True)
class PasswordOf:
    """A user, as far as trying a password goes."""

    id: UUID
    password_hash: str | None
    password_changed_at: datetime | None
    is_verified: bool


_BY_ADDRESS = """
select id, password_hash, password_changed_at, email_verified_at is not null as is_verified
from users where lower(email) = lower($1)
"""
_RENEW_HASH = "update users set password_hash = $3 where id = $1 and password_hash = $2"


async def find_password(database: Database, email: str) -> PasswordOf | None:
    """Of whoever has the address."""
    row = await database.fetchrow(_BY_ADDRESS, email)
    return PasswordOf(**row) if row else None


async def renew_hash(database: Database, user_id: UUID, old: str, new: str) -> None:
    """Keep the password by another hash, unless it was changed meanwhile."""
    await database.fetch(_RENEW_HASH, user_id, old, new)


async def find_user(session: AsyncSession, email: str) -> User | None:
    return (await session.execute(select(User).where(func.lower(User.email) == func.lower(email)))).scalar_one_or_none()


async def get_user(session: AsyncSession, user_id: UUID) -> User:
    return (await session.execute(select(User).where(User.id == user_id))).scalar_one()


async def lock_user(session: AsyncSession, user_id: UUID) -> User:
    query = select(User).where(User.id == user_id).with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one()


async def lock_user_by_email(session: AsyncSession, email: str) -> User | None:
    query = select(User).where(func.lower(User.email) == func.lower(email)).with_for_update()
    query = query.execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def lock_mailbox(session: AsyncSession, mailbox: str) -> None:
    """What one mailbox may have is counted by one after the other, until the transaction ends. Before its users."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(mailbox, 20))))


async def list_verified_of_mailbox(
    session: AsyncSession, mailbox: str, most: int, *, but: UUID | None
) -> Sequence[User]:
    query = select(User).where(User.canonical_email == mailbox, User.email_verified_at.is_not(None))
    if but is not None:
        query = query.where(User.id != but)
    return (await session.execute(query.order_by(User.id).limit(most))).scalars().all()


async def is_welcomed(session: AsyncSession, mailbox: str, key: bytes, *, but: UUID) -> bool:
    """Whether an account of the mailbox has welcome credits, or had them before it left."""
    others = exists().where(
        User.canonical_email == mailbox, User.email_verified_at.is_not(None), ~User.no_welcome, User.id != but
    )
    left = exists().where(WelcomedMailbox.key == key)
    return bool((await session.execute(select(others | left))).scalar_one())


async def add_welcomed(session: AsyncSession, key: bytes) -> None:
    await session.execute(insert(WelcomedMailbox).values(key=key, created_at=clock.now()).on_conflict_do_nothing())


async def add_user_if_absent(
    session: AsyncSession, email: str, canonical_email: str, *, name: str | None, locale: str
) -> bool:
    """False when the address was taken."""
    made = await session.execute(
        insert(User)
        .values(id=new_id(), email=email, canonical_email=canonical_email, name=name, locale=locale)
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    return made.first() is not None


async def add_personal_workspace_if_absent(session: AsyncSession, user: User) -> None:
    """The workspace and its owner, both or neither."""
    made = await session.execute(
        insert(Workspace)
        .values(id=new_id(), owner_id=user.id, name=user.name or user.email, kind=WorkspaceKind.PERSONAL)
        .on_conflict_do_nothing()
        .returning(Workspace.id)
    )
    if (row := made.first()) is not None:
        await session.execute(insert(Member).values(workspace_id=row.id, user_id=user.id, role=WorkspaceRole.OWNER))


async def get_personal_workspace(session: AsyncSession, user_id: UUID) -> Workspace:
    return (
        await session.execute(select(Workspace).where(Workspace.owner_id == user_id, Workspace.kind == "personal"))
    ).scalar_one()


async def drop_identities(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(delete(Identity).where(Identity.user_id == user_id))


async def is_session_open(session: AsyncSession, session_id: UUID) -> bool:
    is_open = (Session.id == session_id, Session.revoked_at.is_(None), Session.expires_at > clock.now())
    return bool((await session.execute(select(exists().where(*is_open)))).scalar_one())


async def is_key_good(session: AsyncSession, key_id: UUID) -> bool:
    return bool(
        (await session.execute(select(exists().where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))))).scalar_one()
    )


async def has_identity(session: AsyncSession, user_id: UUID) -> bool:
    return bool((await session.execute(select(exists().where(Identity.user_id == user_id)))).scalar_one())


async def lock_role(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> str | None:
    """As what the user is in the workspace, until the end of the transaction; None when they are not."""
    query = select(Member.role).where(Member.workspace_id == workspace_id, Member.user_id == user_id)
    return (await session.execute(query.with_for_update(read=True))).scalar_one_or_none()
