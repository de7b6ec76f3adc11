"""SQL of users who come with tokens of other issuers."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from app.core.db import Database

_IDENTITY_WITH_USER = """
select i.id, i.user_id, i.last_used_at, u.role as user_role, u.status as user_status,
       u.email_verified_at is not null as is_verified, u.erase_at is not null as is_leaving,
       w.id as workspace_id, m.role as member_role
from identities i join users u on u.id = i.user_id
left join workspaces w on w.deleted_at is null
    and w.id = coalesce($3, (select id from workspaces where owner_id = u.id and kind = 'personal'))
left join members m on m.workspace_id = w.id and m.user_id = u.id
where i.issuer = $1 and i.subject = $2
"""
_TOUCH = """
update identities set last_used_at = now()
where id in (
    select id from identities where id = any($1) and (last_used_at is null or last_used_at < now() - interval '55 s')
    order by id for no key update)
"""


async def find_identity_with_user(
    database: Database, issuer: str, subject: str, workspace_id: UUID | None
) -> asyncpg.Record | None:
    return await database.fetchrow(_IDENTITY_WITH_USER, issuer, subject, workspace_id)


async def touch_identities(database: Database, identity_ids: Sequence[UUID]) -> None:
    """They were used just now."""
    await database.fetch(_TOUCH, identity_ids)
