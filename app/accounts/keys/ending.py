"""API keys are revoked, one or all that somebody made; or these are left less than they had."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit.service import SYSTEM, Actor
from app.accounts.keys import notes, queries
from app.accounts.models import ApiKey
from app.core import clock


async def revoke(session: AsyncSession, key: ApiKey, actor: Actor) -> None:
    """From now on it opens nothing; the row is locked. All processes are told."""
    if key.revoked_at is not None:
        return
    key.revoked_at = clock.now()
    key.previous_secret_hash = key.previous_until = None
    notes.note(session, actor, key, "api_key.revoked")
    notes.announce(session, key, await queries.find_budget_of(session, key), "api_key.revoked")
    changes.tell(session, key.id)


async def revoke_made_by(
    session: AsyncSession, user_id: UUID, *, workspace_id: UUID | None = None, actor: Actor = SYSTEM
) -> int:
    """The keys this user made, in the one workspace or wherever; how many there were."""
    keys = await queries.lock_keys_made_by(session, user_id, workspace_id=workspace_id)
    for key in keys:
        await revoke(session, key, actor)
    return len(keys)


async def narrow_made_by(session: AsyncSession, user_id: UUID, *, workspace_id: UUID, scopes: Collection[str]) -> None:
    """Let the keys the user made there keep no scope but these."""
    for key in await queries.lock_keys_made_by(session, user_id, workspace_id=workspace_id):
        left = [scope for scope in key.scopes if scope in scopes]
        if left != key.scopes:
            key.scopes = left
            notes.announce(session, key, await queries.find_budget_of(session, key), "api_key.updated")
