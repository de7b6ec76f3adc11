"""SQL of exports: their rows, and what of a person goes into one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import PageRequest
from app.privacy.models import Export, ExportStatus

# --- the rows


async def add_if_none_is_open(session: AsyncSession, user_id: UUID, export_id: UUID, key: str) -> bool:
    """False when one is being made."""
    made = await session.execute(
        insert(Export).values(id=export_id, user_id=user_id, key=key).on_conflict_do_nothing().returning(Export.id)
    )
    return made.first() is not None


async def get_newest(session: AsyncSession, user_id: UUID) -> Export:
    query = select(Export).where(Export.user_id == user_id).order_by(Export.created_at.desc(), Export.id.desc())
    return (await session.execute(query.limit(1))).scalar_one()


async def list_exports(session: AsyncSession, page: PageRequest, *, user_id: UUID) -> Sequence[Export]:
    query = select(Export).where(Export.user_id == user_id)
    if page.after:
        query = query.where(tuple_(Export.created_at, Export.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Export.created_at.desc(), Export.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def claim(session: AsyncSession, lease: timedelta) -> Export | None:
    """The one due for longest, begun once more and ours until the lease ends."""
    due = (
        select(Export.id)
        .where(Export.status == ExportStatus.PENDING, Export.due_at <= func.clock_timestamp())
        .order_by(Export.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(Export)
        .where(Export.id.in_(due))
        .values(due_at=func.clock_timestamp() + lease, attempts=Export.attempts + 1)
        .returning(Export)
    )
    return (await session.execute(claimed)).scalar_one_or_none()


def _ours(export: Export) -> Any:
    """Nobody else began it since, and nothing ended it."""
    return (Export.id == export.id) & (Export.attempts == export.attempts) & (Export.status == ExportStatus.PENDING)


async def put_off(session: AsyncSession, export: Export, delay: timedelta) -> bool:
    """Due so much later. False when it is not ours any more."""
    made = await session.execute(
        update(Export).where(_ours(export)).values(due_at=func.clock_timestamp() + delay).returning(Export.id)
    )
    return made.first() is not None


async def finish(session: AsyncSession, export: Export, size: int, life: timedelta) -> bool:
    """Ready; earlier ones of the user end. False when it is not ours any more."""
    now = func.clock_timestamp()
    values = {"status": ExportStatus.READY, "size": size, "completed_at": now, "expires_at": now + life}
    made = await session.execute(update(Export).where(_ours(export)).values(values).returning(Export.id))
    if made.first() is None:
        return False
    earlier = (Export.user_id == export.user_id) & (Export.status == ExportStatus.READY) & (Export.id != export.id)
    await session.execute(update(Export).where(earlier).values(expires_at=now))
    return True


async def fail(session: AsyncSession, export: Export) -> None:
    values = {"status": ExportStatus.FAILED, "completed_at": func.clock_timestamp()}
    await session.execute(update(Export).where(_ours(export)).values(values))


async def list_expired(session: AsyncSession, limit: int) -> Sequence[Export]:
    query = select(Export).where(Export.status == ExportStatus.READY, Export.expires_at <= func.clock_timestamp())
    return (await session.execute(query.limit(limit))).scalars().all()


async def note_expired(session: AsyncSession, ids: Sequence[UUID]) -> None:
    await session.execute(update(Export).where(Export.id.in_(ids)).values(status=ExportStatus.EXPIRED))


async def list_keys(session: AsyncSession, user_id: UUID) -> Sequence[str]:
    return (await session.execute(select(Export.key).where(Export.user_id == user_id))).scalars().all()


async def remove(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(delete(Export).where(Export.user_id == user_id))


async def list_unknown_keys(session: AsyncSession, keys: Sequence[str]) -> Sequence[str]:
    """Those of the keys no export has that is being made or ready."""
    live = (ExportStatus.PENDING, ExportStatus.READY)
    known = select(Export.key).where(Export.key == func.any(list(keys)), Export.status.in_(live))
    found = set((await session.execute(known)).scalars())
    return [key for key in keys if key not in found]


# --- what goes into one


@dataclass(frozen=True, slots=True)
class Section:
    """A file of the archive: rows as JSON, walked through by `mark`, some at a time."""

    name: str
    statement: str
    """Gives mark (uuid) and line (json) of each row."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Which members are ids, and their prefixes."""


SECTIONS = (
    Section(
        "profile",
        """select id as mark, json_build_object('id', id, 'email', email, 'email_verified_at', email_verified_at,
               'name', name, 'locale', locale, 'preferences', preferences, 'role', role, 'status', status,
               'created_at', created_at, 'password_changed_at', password_changed_at, 'erase_at', erase_at) as line
           from users where id = :user_id""",
        {"id": "user"},
    ),
    Section(
        "memberships",
        """select w.id as mark, json_build_object('workspace_id', w.id, 'workspace', w.name, 'kind', w.kind,
               'role', m.role, 'plan', w.plan, 'since', m.created_at) as line
           from members m join workspaces w on w.id = m.workspace_id where m.user_id = :user_id""",
        {"workspace_id": "ws"},
    ),
    Section(
        "sessions",
        """select id as mark, json_build_object('id', id, 'kind', kind, 'ip', ip, 'user_agent', user_agent,
               'created_at', created_at, 'last_used_at', last_used_at, 'confirmed_at', confirmed_at,
               'expires_at', expires_at, 'revoked_at', revoked_at, 'revoked_reason', revoked_reason) as line
           from sessions where user_id = :user_id""",
        {"id": "sess"},
    ),
    Section(
        "identities",
        """select id as mark, json_build_object('id', id, 'issuer', issuer, 'subject', subject, 'email', email,
               'created_at', created_at, 'last_used_at', last_used_at) as line
           from identities where user_id = :user_id""",
        {"id": "ident"},
    ),
    Section(
        "api_keys",
        """select id as mark, json_build_object('id', id, 'workspace_id', workspace_id, 'mode', mode, 'name', name,
               'hint', hint, 'scopes', scopes, 'allowed_ips', allowed_ips, 'allowed_operations', allowed_operations,
               'rate_limit', rate_limit, 'created_at', created_at, 'expires_at', expires_at, 'rotated_at', rotated_at,
               'last_used_at', last_used_at, 'last_used_ip', last_used_ip, 'revoked_at', revoked_at) as line
           from api_keys where user_id = :user_id""",
        {"id": "key", "workspace_id": "ws"},
    ),
    Section(
        "invitations",
        """select i.id as mark, json_build_object('id', i.id, 'workspace_id', i.workspace_id, 'email', i.email,
               'role', i.role, 'sent_by_you', i.invited_by = :user_id, 'created_at', i.created_at,
               'expires_at', i.expires_at, 'accepted_at', i.accepted_at, 'revoked_at', i.revoked_at) as line
           from invitations i
           where i.invited_by = :user_id or lower(i.email) = (select lower(email) from users where id = :user_id)""",
        {"id": "inv", "workspace_id": "ws"},
    ),
    Section(
        "audit_log",
        """select e.id as mark, json_build_object('id', e.id, 'workspace_id', e.workspace_id, 'action', e.action,
               'actor_kind', e.actor_kind, 'by_you', coalesce(e.actor_id = :user_id, false),
               'target_kind', e.target_kind, 'target_id', e.target_id, 'created_at', e.created_at,
               'ip', case when e.actor_id = :user_id then d.ip end,
               'user_agent', case when e.actor_id = :user_id then d.user_agent end, 'data', d.data) as line
           from audit_entries e left join audit_details d on d.entry_id = e.id
           where e.actor_id = :user_id or e.target_id = :user_id""",
        {"id": "audit", "workspace_id": "ws"},
    ),
    Section(
        "mails",
        """select m.id as mark, json_build_object('id', m.id, 'kind', m.kind, 'to', m.to_address, 'locale', m.locale,
               'facts', m.facts, 'status', m.status, 'created_at', m.created_at, 'sent_at', m.sent_at) as line
           from mails m where lower(m.to_address) = (select lower(email) from users where id = :user_id)""",
        {"id": "evt"},
    ),
    Section(
        "tasks",
        """select id as mark, json_build_object('id', id, 'mode', mode, 'operation', operation, 'status', status,
               'input', input, 'model', model, 'provider', provider, 'metadata', metadata, 'error', error,
               'webhook_url', webhook_url,
               'batch_id', batch_id, 'credits_charged', trim_scale(charged / 1000000.0), 'outputs', output_ids,
               'created_at', created_at, 'started_at', started_at, 'completed_at', completed_at,
               'deleted_at', deleted_at) as line
           from tasks where workspace_id = :workspace_id""",
        {"id": "task", "batch_id": "batch", "outputs": "asset"},
    ),
    Section(
        "webhook_endpoints",
        """select id as mark, json_build_object('id', id, 'mode', mode, 'url', url, 'description', description,
               'event_types', event_types, 'status', status, 'disabled_reason', disabled_reason,
               'disabled_at', disabled_at, 'created_at', created_at, 'updated_at', updated_at) as line
           from webhook_endpoints where workspace_id = :workspace_id""",
        {"id": "whe"},
    ),
    Section(
        "batches",
        """select id as mark, json_build_object('id', id, 'mode', mode, 'operation', operation, 'model', model,
               'metadata', metadata, 'created_at', created_at, 'completed_at', completed_at, 'items', (
                   select json_agg(json_build_object('index', i.index, 'filename', i.filename, 'metadata', i.metadata,
                       'error', i.error) order by i.index)
                   from batch_items i where i.batch_id = b.id)) as line
           from batches b where workspace_id = :workspace_id""",
        {"id": "batch"},
    ),
    Section(
        "credits",
        """select id as mark, json_build_object('id', id, 'mode', mode, 'entry', entry, 'kind', kind,
               'amount', trim_scale((case when credit = 'customer' then amount else -amount end) / 1000000.0),
               'balance_before', trim_scale(balance_before / 1000000.0),
               'balance_after', trim_scale(balance_after / 1000000.0), 'reason', reason, 'task_id', task_id,
               'created_at', created_at) as line
           from credit_transfers where workspace_id = :workspace_id""",
        {"id": "txn", "task_id": "task"},
    ),
    Section(
        "assets",
        """select id as mark, json_build_object('id', id, 'mode', mode, 'kind', kind, 'source', source,
               'content_type', content_type, 'bytes', bytes, 'width', width, 'height', height, 'filename', filename,
               'favorite', favorite, 'metadata', metadata, 'task_id', task_id, 'created_at', created_at) as line
           from assets where workspace_id = :workspace_id and status = 'ready' and deleted_at is null""",
        {"id": "asset", "task_id": "task"},
    ),
)


async def list_rows(
    session: AsyncSession, section: Section, values: Mapping[str, Any], after: UUID, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """mark and line of the next rows of the section."""
    used = {name: value for name, value in values.items() if f":{name}" in section.statement}
    statement = f"""
        select mark, line::text from ({section.statement}) rows where mark > :after order by mark limit :limit"""
    return (await session.execute(text(statement), {**used, "after": after, "limit": limit})).all()


_FILES = """
    select a.id, f.key from assets a join asset_files f on f.asset_id = a.id and f.rendition = 'full'
    where a.workspace_id = :workspace_id and a.status = 'ready' and a.deleted_at is null and a.id > :after
    order by a.id limit :limit
"""


async def list_files(
    session: AsyncSession, workspace_id: UUID, after: UUID, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """id and key of the next assets' original-size files."""
    values = {"workspace_id": workspace_id, "after": after, "limit": limit}
    return (await session.execute(text(_FILES), values)).all()
