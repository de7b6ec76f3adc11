"""SQL of API keys."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKey
from app.core.db import Database
from app.core.paging import PageRequest

_KEY_WITH_USER = """
select k.id, k.workspace_id, k.user_id, k.mode, k.secret_hash, k.scopes, k.expires_at, k.last_used_at, k.revoked_at,
       u.role as user_role, u.status as user_status, u.email_verified_at is not null as is_verified,
       u.erase_at is not null as is_leaving,
       m.role as member_role, w.deleted_at is not null as is_workspace_gone
from api_keys k join users u on u.id = k.user_id join workspaces w on w.id = k.workspace_id
left join members m on m.workspace_id = k.workspace_id and m.user_id = k.user_id
where k.id = $1
"""
# Locked in one order, so that two processes that touch the same keys do not wait for each other.
_TOUCH_KEYS = """
update api_keys set last_used_at = now()
where id in (select id from api_keys where id = any($1) order by id for no key update)
"""


async def find_key_with_user(database: Database, key_id: UUID) -> asyncpg.Record | None:
    return await database.fetchrow(_KEY_WITH_USER, key_id)


async def touch_keys(database: Database, key_ids: Sequence[UUID]) -> None:
    """They were used just now."""
    await database.fetch(_TOUCH_KEYS, key_ids)


async def list_keys(
    session: AsyncSession, page: PageRequest, *, workspace_id: UUID, mode: str | None
) -> Sequence[ApiKey]:
    query = select(ApiKey).where(ApiKey.workspace_id == workspace_id)
    if mode:
        query = query.where(ApiKey.mode == mode)
    if page.after:
        query = query.where(tuple_(ApiKey.created_at, ApiKey.id) < (page.after.created_at, page.after.id))
    query = query.order_by(ApiKey.created_at.desc(), ApiKey.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def find_key(session: AsyncSession, key_id: UUID, *, workspace_id: UUID, mode: str | None) -> ApiKey | None:
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.workspace_id == workspace_id).with_for_update()
    if mode:
        query = query.where(ApiKey.mode == mode)
    return (await session.execute(query)).scalar_one_or_none()
