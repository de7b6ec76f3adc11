"""SQL of identities and of sign-ins at providers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import delete, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.identities.models import Identity, OauthAttempt, OauthCode
from app.accounts.proofs.models import Proof
from app.core import clock
from app.core.db import Database
from app.core.paging import PageRequest

_TAKE_ATTEMPT = """
delete from oauth_attempts where secret_hash = $1
returning provider, purpose, redirect_to, cookies, challenge, created_at, expires_at
"""
FORGET_AT_ONCE = 5_000


async def take_attempt(database: Database, secret_hash: bytes) -> asyncpg.Record | None:
    """The attempt, which is gone from now on."""
    return await database.fetchrow(_TAKE_ATTEMPT, secret_hash)


async def find_user_of_code(session: AsyncSession, code_hash: bytes) -> UUID | None:
    """Whose session it is good for."""
    query = select(Identity.user_id).join(OauthCode, OauthCode.identity_id == Identity.id)
    return (await session.execute(query.where(OauthCode.code_hash == code_hash))).scalar_one_or_none()


async def take_code(session: AsyncSession, code_hash: bytes, challenge: str, *, is_link: bool) -> OauthCode | None:
    """The code, which is gone when the transaction is committed; None unless it is fresh and of this client."""
    query = (
        delete(OauthCode)
        .where(
            OauthCode.code_hash == code_hash,
            OauthCode.challenge == challenge,
            OauthCode.identity_id.is_(None) if is_link else OauthCode.identity_id.is_not(None),
            OauthCode.expires_at > clock.now(),
        )
        .returning(OauthCode)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def lock_subject(session: AsyncSession, issuer: str, subject: str) -> None:
    """Two requests that bring the same identity go one after the other, also when it is new."""
    name = func.hashtextextended(f"identity {issuer} {subject}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(name)))


async def find_identity(session: AsyncSession, issuer: str, subject: str) -> Identity | None:
    query = select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    query = query.execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def find_claimed(session: AsyncSession, proof_id: UUID) -> tuple[str, str] | None:
    """Issuer and subject that the proof is for."""
    query = select(Proof.issuer, Proof.subject).where(Proof.id == proof_id, Proof.issuer.is_not(None))
    row = (await session.execute(query)).first()
    return (row.issuer, row.subject) if row else None


async def list_identities(session: AsyncSession, page: PageRequest, *, user_id: UUID) -> Sequence[Identity]:
    query = select(Identity).where(Identity.user_id == user_id)
    if page.after:
        query = query.where(tuple_(Identity.created_at, Identity.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Identity.created_at.desc(), Identity.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def find_own(session: AsyncSession, identity_id: UUID, *, user_id: UUID) -> Identity | None:
    query = select(Identity).where(Identity.id == identity_id, Identity.user_id == user_id)
    return (await session.execute(query)).scalar_one_or_none()


async def has_other(session: AsyncSession, identity: Identity) -> bool:
    """Whether another identity signs the same user in."""
    others = exists().where(Identity.user_id == identity.user_id, Identity.id != identity.id)
    return bool((await session.execute(select(others))).scalar_one())


async def forget_expired(session: AsyncSession, now: datetime) -> int:
    """Attempts nobody came back from and codes nobody used, some of each; how many."""
    gone = 0
    for table, key in ((OauthAttempt, OauthAttempt.secret_hash), (OauthCode, OauthCode.code_hash)):
        old = select(key).where(table.expires_at < now).limit(FORGET_AT_ONCE).with_for_update(skip_locked=True)
        gone += (await session.execute(delete(table).where(key.in_(old)))).rowcount  # type: ignore[attr-defined]
    return gone
