"""SQL of sessions and of the keys that sign their tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, DateTime, bindparam, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import User
from app.accounts.sessions.models import Session, SigningKey
from app.core.db import Database
from app.core.paging import PageRequest
from app.core.wire import dumps, moment

# Whose session it is, and what they are in the workspace asked for: their personal one where none is.
_SESSION_WITH_USER = """
select s.id, s.user_id, s.kind, s.nonce, s.confirmed_at, s.expires_at, s.last_used_at, s.revoked_at,
       u.role as user_role, u.status as user_status, u.email_verified_at is not null as is_verified,
       u.erase_at is not null as is_leaving,
       w.id as workspace_id, m.role as member_role
from sessions s join users u on u.id = s.user_id
left join workspaces w on w.deleted_at is null
    and w.id = coalesce($2, (select id from workspaces where owner_id = u.id and kind = 'personal'))
left join members m on m.workspace_id = w.id and m.user_id = u.id
where s.id = $1
"""
# Locked in one order, so that two processes that touch the same rows do not wait for each other.
_TOUCH_SESSIONS = """
update sessions set last_used_at = now()
where id in (
    select id from sessions where id = any($1) and (last_used_at is null or last_used_at < now() - interval '55 s')
    order by id for no key update)
"""
_SIGNING_KEYS = """
select kid, secret, retired_at from signing_keys
where retired_at is null or retired_at > now() - make_interval(secs => $1)
"""
_START = text("select outcome, workspace_id from session_start(:made, :changed_at, null)").bindparams(
    bindparam("made", type_=JSONB), bindparam("changed_at", type_=DateTime(timezone=True))
)
_START_ALONE = """
select s.outcome, u.id, u.email, u.email_verified_at, u.name, u.locale, u.role, u.erase_at, u.created_at
from session_start($1, $2, $3) s, users u where u.id = $4
"""
_ADD_SIGNING_KEY = "insert into signing_keys (kid, secret) values ($1, $2) on conflict do nothing"


async def find_session_with_user(
    database: Database, session_id: UUID, workspace_id: UUID | None
) -> asyncpg.Record | None:
    return await database.fetchrow(_SESSION_WITH_USER, session_id, workspace_id)


async def touch_sessions(database: Database, session_ids: Sequence[UUID]) -> None:
    """They were used just now."""
    await database.fetch(_TOUCH_SESSIONS, session_ids)


async def start(session: AsyncSession, made: Session, password_changed_at: datetime | None) -> tuple[str, UUID]:
    """Add it, if the user is still as they were; what became of it, and the personal workspace."""
    values = {"made": _as_json(made), "changed_at": password_changed_at}
    row = (await session.execute(_START, values)).one()
    return row.outcome, row.workspace_id


async def start_alone(
    database: Database, made: Session, password_changed_at: datetime | None, entry: Mapping[str, Any]
) -> asyncpg.Record:
    """`start` in a transaction of its own, with the entry in the audit log; and the user, as they are shown."""
    row = await database.fetchrow(
        _START_ALONE, dumps(_as_json(made)).decode(), password_changed_at, dumps(entry).decode(), made.user_id
    )
    assert row is not None
    return row


def _as_json(made: Session) -> dict[str, Any]:
    """As `session_start` takes it."""
    return {
        "id": str(made.id),
        "user_id": str(made.user_id),
        "kind": made.kind,
        "nonce": f"\\x{made.nonce.hex()}",
        "generation": made.generation,
        "rotated_at": moment(made.rotated_at),
        "user_agent": made.user_agent,
        "ip": made.ip,
        "created_at": moment(made.created_at),
        "last_used_at": moment(made.last_used_at),
        "confirmed_at": moment(made.confirmed_at),
        "expires_at": moment(made.expires_at),
    }


async def end_sessions(session: AsyncSession, user_id: UUID, *, reason: str, keep: UUID | None) -> Sequence[UUID]:
    """Which were ended."""
    # Whoever is signing in just now waits, and then sees why.
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    open_ones = _open(user_id)
    if keep is not None:
        open_ones.append(Session.id != keep)
    ended = await session.execute(
        update(Session)
        .where(
            Session.id.in_(select(Session.id).where(*open_ones).order_by(Session.id).with_for_update(key_share=True))
        )
        .values(revoked_at=func.now(), revoked_reason=reason)
        .returning(Session.id)
        .execution_options(synchronize_session=False)
    )
    return ended.scalars().all()


async def list_signing_keys(database: Database, overlap_seconds: float) -> Sequence[asyncpg.Record]:
    """Those that verify."""
    return await database.fetch(_SIGNING_KEYS, overlap_seconds)


async def add_signing_key(database: Database, kid: str, secret: bytes) -> None:
    """Where none signs yet; else nothing."""
    await database.fetch(_ADD_SIGNING_KEY, kid, secret)


async def retire_signing_key(session: AsyncSession) -> None:
    query = update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=func.now())
    await session.execute(query.execution_options(synchronize_session=False))


async def drop_signing_keys(session: AsyncSession) -> None:
    """All of them: what they signed is no longer believed."""
    await session.execute(delete(SigningKey))


async def put_signing_key(session: AsyncSession, kid: str, secret: bytes) -> bool:
    """False when another signs by now."""
    made = await session.execute(
        insert(SigningKey).values(kid=kid, secret=secret).on_conflict_do_nothing().returning(SigningKey.kid)
    )
    return made.first() is not None


async def lock_session(session: AsyncSession, session_id: UUID) -> Session | None:
    query = select(Session).where(Session.id == session_id).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def lock_own_session(session: AsyncSession, session_id: UUID, *, user_id: UUID) -> Session | None:
    """One that is open."""
    query = select(Session).where(Session.id == session_id, *_open(user_id)).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def find_own_session(session: AsyncSession, session_id: UUID, *, user_id: UUID) -> Session | None:
    """One that is open."""
    return (
        await session.execute(select(Session).where(Session.id == session_id, *_open(user_id)))
    ).scalar_one_or_none()


async def list_sessions(session: AsyncSession, page: PageRequest, *, user_id: UUID) -> Sequence[Session]:
    """Those that are open."""
    query = select(Session).where(*_open(user_id))
    if page.after:
        query = query.where(tuple_(Session.created_at, Session.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Session.created_at.desc(), Session.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def delete_ended(session: AsyncSession, before: datetime, most: int) -> int:
    """How many of those that ended before that were deleted."""
    old = select(Session.id).where(Session.expires_at < before).order_by(Session.expires_at).limit(most)
    query = delete(Session).where(Session.id.in_(old.with_for_update(skip_locked=True)))
    result = await session.execute(query.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]


async def signing_key_made_at(session: AsyncSession) -> datetime | None:
    query = select(SigningKey.created_at).where(SigningKey.retired_at.is_(None))
    return (await session.execute(query)).scalar_one_or_none()


async def delete_retired_signing_keys(session: AsyncSession, before: datetime) -> None:
    await session.execute(delete(SigningKey).where(SigningKey.retired_at < before))


def _open(user_id: UUID) -> list[ColumnElement[bool]]:
    return [Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > func.now()]
