"""SQL of API keys."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKey, KeyBudget
from app.core.db import Database
from app.core.paging import PageRequest

_KEY_WITH_USER = """
select k.id, k.workspace_id, k.user_id, k.mode, k.secret_hash, k.scopes, k.expires_at, k.last_used_at, k.revoked_at,
       k.previous_secret_hash, k.previous_until, k.allowed_ips, k.allowed_operations, k.rate_limit, k.budget_key_id,
       u.role as user_role, u.status as user_status, u.email_verified_at is not null as is_verified,
       u.erase_at is not null as is_leaving,
       m.role as member_role, w.deleted_at is not null as is_workspace_gone
from api_keys k join users u on u.id = k.user_id join workspaces w on w.id = k.workspace_id
left join members m on m.workspace_id = k.workspace_id and m.user_id = k.user_id
where k.id = $1
"""
# Locked in one order, so that two processes that touch the same keys do not wait for each other.
_TOUCH_KEYS = """
update api_keys k set last_used_at = now(), last_used_ip = coalesce(nullif(used.ip, ''), last_used_ip)
from (select id, ip from unnest($1::uuid[], $2::text[]) as used (id, ip)) used
where k.id = used.id and k.id in (
    select id from api_keys where id = any($1) and (last_used_at is null or last_used_at < now() - interval '55 s')
    order by id for no key update)
"""


async def find_key_with_user(database: Database, key_id: UUID) -> asyncpg.Record | None:
    return await database.fetchrow(_KEY_WITH_USER, key_id)


async def touch_keys(database: Database, key_ids: Sequence[UUID], ips: Sequence[str]) -> None:
    """They were used just now, each from there."""
    await database.fetch(_TOUCH_KEYS, key_ids, ips)


def _with_budget() -> Select[ApiKey, KeyBudget]:
    return select(ApiKey, KeyBudget).join(KeyBudget, KeyBudget.key_id == ApiKey.budget_key_id, isouter=True)


async def list_keys(
    session: AsyncSession, page: PageRequest | None, *, workspace_id: UUID, mode: str | None
) -> Sequence[Row[ApiKey, KeyBudget]]:
    """Each with the budget it spends from; without a page all of them."""
    query = _with_budget().where(ApiKey.workspace_id == workspace_id)
    if mode:
        query = query.where(ApiKey.mode == mode)
    if page and page.after:
        query = query.where(tuple_(ApiKey.created_at, ApiKey.id) < (page.after.created_at, page.after.id))
    query = query.order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    if page:
        query = query.limit(page.limit + 1)
    return (await session.execute(query)).all()


async def find_key(
    session: AsyncSession, key_id: UUID, *, workspace_id: UUID | None, mode: str | None, for_update: bool = False
) -> ApiKey | None:
    query = select(ApiKey).where(ApiKey.id == key_id).execution_options(populate_existing=True)
    if workspace_id:
        query = query.where(ApiKey.workspace_id == workspace_id)
    if mode:
        query = query.where(ApiKey.mode == mode)
    if for_update:
        query = query.with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def lock_keys_made_by(session: AsyncSession, user_id: UUID, *, workspace_id: UUID | None) -> Sequence[ApiKey]:
    """Those that are not revoked, in the order in which rows are locked; without a workspace those of all."""
    query = select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    if workspace_id:
        query = query.where(ApiKey.workspace_id == workspace_id)
    query = query.order_by(ApiKey.id).with_for_update(key_share=True)
    return (await session.execute(query.execution_options(populate_existing=True))).scalars().all()


async def find_budget(session: AsyncSession, key_id: UUID, *, for_update: bool = False) -> KeyBudget | None:
    query = select(KeyBudget).where(KeyBudget.key_id == key_id).execution_options(populate_existing=True)
    if for_update:
        query = query.with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def find_budget_of(session: AsyncSession, key: ApiKey) -> KeyBudget | None:
    """The one it spends from."""
    return await find_budget(session, key.budget_key_id) if key.budget_key_id else None
