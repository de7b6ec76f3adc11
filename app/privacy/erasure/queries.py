"""SQL of erasing an account: where a person's data is, and what is put in its place."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKey, Member, User, Workspace, WorkspaceKind, WorkspaceRole
from app.assets.models import Asset
from app.core.ids import encode
from app.generation.models import OPEN, Task
from app.generation.queries import WHOLE
from app.privacy.models import Erasure

# --- what is due

_CLAIM = """
    update erasures set due_at = clock_timestamp() + :lease, begun_at = coalesce(begun_at, clock_timestamp())
    where user_id = (
        select user_id from erasures where ended_at is null and due_at <= clock_timestamp() {only}
        order by due_at limit 1 for update skip locked)
    returning user_id, erased_at, mail_id, begun_at < clock_timestamp() - cast(:settled as interval) as is_settled,
              begun_at < clock_timestamp() - cast(:patience as interval) as is_overdue
"""
_PUT_OFF = "update erasures set due_at = clock_timestamp() + :delay where user_id = :user_id and ended_at is null"


async def claim(
    session: AsyncSession, lease: timedelta, *, settled: timedelta, patience: timedelta, only: UUID | None = None
) -> Row[*tuple[Any, ...]] | None:
    """The erasure due for longest, ours until the lease ends; `is_settled` and `is_overdue` by when it began."""
    values: dict[str, Any] = {"lease": lease, "settled": settled, "patience": patience}
    if only is not None:
        values["only"] = only
    statement = text(_CLAIM.format(only="and user_id = :only" if only else ""))
    return (await session.execute(statement, values)).first()


async def put_off(session: AsyncSession, user_id: UUID, delay: timedelta) -> None:
    await session.execute(text(_PUT_OFF), {"user_id": user_id, "delay": delay})


async def end(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(
        update(Erasure).where(Erasure.user_id == user_id).values(ended_at=func.clock_timestamp(), mail_id=None)
    )


async def take_back(session: AsyncSession, user_id: UUID) -> bool:
    """False when the erasure has begun, or there is none."""
    gone = await session.execute(
        text("delete from erasures where user_id = :user_id and begun_at is null returning 1"), {"user_id": user_id}
    )
    return gone.first() is not None


async def bring_forward(session: AsyncSession, user_id: UUID, due_at: datetime) -> bool:
    """False when it has begun."""
    made = await session.execute(
        update(Erasure)
        .where(Erasure.user_id == user_id, Erasure.begun_at.is_(None))
        .values(due_at=due_at)
        .returning(Erasure.user_id)
    )
    return made.first() is not None


async def list_scheduled(session: AsyncSession) -> Sequence[UUID]:
    """Users whose account is locked until it is erased."""
    return (await session.execute(select(Erasure.user_id).where(Erasure.begun_at.is_(None)))).scalars().all()


# --- teams


async def lock_teams(session: AsyncSession, user_id: UUID) -> None:
    """Nobody changes these teams or their members from now on. Who else is in them has to be asked afterwards.

    The statement that waits for a lock still sees the members as they were before it waited. The user's own row is
    locked: that keeps them out of further teams, whose members refer to it.
    """
    await session.execute(
        select(Workspace.id)
        .join(Member, Member.workspace_id == Workspace.id)
        .where(Member.user_id == user_id, Workspace.kind == WorkspaceKind.TEAM)
        .order_by(Workspace.id)
        .with_for_update(of=Workspace, key_share=True)  # rows that refer to them can still be written
    )


async def list_teams_left_alone(session: AsyncSession, user_id: UUID) -> Sequence[Workspace]:
    """Teams with other members and no other owner who stays. They are locked."""
    mine = select(Member.workspace_id).where(Member.user_id == user_id, Member.role == WorkspaceRole.OWNER)
    others = (Member.workspace_id == Workspace.id) & (Member.user_id != user_id)
    staying = (
        exists()
        .where(others, Member.role == WorkspaceRole.OWNER, User.id == Member.user_id, User.erase_at.is_(None))
        .correlate(Workspace)
    )
    query = (
        select(Workspace)
        .where(
            Workspace.id.in_(mine),
            Workspace.kind == WorkspaceKind.TEAM,
            Workspace.deleted_at.is_(None),
            exists().where(others).correlate(Workspace),
            ~staying,
        )
        .order_by(Workspace.id)
    )
    return (await session.execute(query)).scalars().all()


async def list_own_workspaces(session: AsyncSession, user_id: UUID) -> Sequence[UUID]:
    """The personal workspace, and teams the user is the only member of."""
    others = exists().where(Member.workspace_id == Workspace.id, Member.user_id != user_id).correlate(Workspace)
    mine = select(Member.workspace_id).where(Member.user_id == user_id)
    query = select(Workspace.id).where(
        (Workspace.owner_id == user_id) | ((Workspace.kind == WorkspaceKind.TEAM) & Workspace.id.in_(mine) & ~others)
    )
    return (await session.execute(query.order_by(Workspace.id))).scalars().all()


async def list_teams(session: AsyncSession, user_id: UUID) -> Sequence[Row[UUID, bool]]:
    """Teams the user is in, and whether others are too. They are locked."""
    others = exists().where(Member.workspace_id == Workspace.id, Member.user_id != user_id).correlate(Workspace)
    query = (
        select(Workspace.id, others.label("has_others"))
        .join(Member, Member.workspace_id == Workspace.id)
        .where(Member.user_id == user_id, Workspace.kind == WorkspaceKind.TEAM)
        .order_by(Workspace.id)
    )
    return (await session.execute(query)).all()


async def close_teams(session: AsyncSession, workspace_ids: Sequence[UUID]) -> None:
    """Nobody joins them any more."""
    statement = "update workspaces set deleted_at = now() where id = any (:workspaces) and deleted_at is null"
    await erase(session, statement, {"workspaces": list(workspace_ids)})


_PROMOTE = """
    update members set role = 'owner'
    where (workspace_id, user_id) = (
        select m.workspace_id, m.user_id from members m join users u on u.id = m.user_id
        where m.workspace_id = :workspace_id and m.user_id <> :leaving and u.status <> 'erased'
          and exists (select 1 from members own
                      where own.workspace_id = :workspace_id and own.user_id = :leaving and own.role = 'owner')
          and not exists (select 1 from members own join users o on o.id = own.user_id
                          where own.workspace_id = :workspace_id and own.user_id <> :leaving and own.role = 'owner'
                            and o.status <> 'erased' and o.erase_at is null)
        order by u.erase_at is not null, u.status <> 'active',
                 array_position(array['owner', 'admin', 'member', 'viewer']::text[], m.role::text),
                 m.created_at, m.user_id
        limit 1)
      and role <> 'owner'
    returning user_id
"""


async def promote_in_place_of(session: AsyncSession, workspace_id: UUID, leaving: UUID) -> UUID | None:
    """Who became an owner: whoever has the highest role, of those the one longest there. Nobody, where who leaves was
    no owner, or another one stays (who may be suspended: the team is theirs still)."""
    values = {"workspace_id": workspace_id, "leaving": leaving}
    return (await session.execute(text(_PROMOTE), values)).scalar_one_or_none()


# --- open tasks


async def list_open_purses(session: AsyncSession, workspace_ids: Sequence[UUID]) -> Sequence[Row[UUID, str]]:
    """Workspace and mode of what is not ended yet."""
    query = select(Task.workspace_id, Task.mode).where(Task.workspace_id.in_(workspace_ids), Task.status.in_(OPEN))
    return (await session.execute(query.distinct().order_by(Task.workspace_id, Task.mode))).all()


async def lock_open_tasks(session: AsyncSession, workspace_id: UUID, mode: str, limit: int) -> Sequence[Task]:
    """With their steps and attempts, in the order in which rows are locked."""
    query = (
        select(Task)
        .where(Task.workspace_id == workspace_id, Task.mode == mode, Task.status.in_(OPEN))
        .options(*WHOLE)
        .order_by(Task.id)
        .limit(limit)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalars().all()


# --- what is erased

_KEYS = "select id from api_keys where user_id = :user_id or workspace_id = any (:workspaces)"
_PROOFS = "select id from proofs where user_id = :user_id"
# By what others have written: only by addresses that were shown to be the user's, as long as they were.
_THEIRS = """exists (select 1 from jsonb_to_recordset(:addresses) known (address text, until timestamptz)
    where known.address = lower({column}) and (known.until is null or created_at < known.until))"""
_INVITED = f"""select id from invitations
    where {_THEIRS.format(column="email")} or workspace_id = any (:workspaces)"""
_TASKS = "select id from tasks where workspace_id = any (:workspaces)"
_BATCHES = "select id from batches where workspace_id = any (:workspaces)"

# Mails to the user, of their workspaces, or with a link that is theirs or names them.
_MAILED = f"""({_THEIRS.format(column="to_address")} or workspace_id = any (:workspaces))"""
_LINKED = f"""(token_id in ({_PROOFS}) or token_id in ({_INVITED})
    or token_id in (select id from invitations where invited_by = :user_id))"""
_LAST_MAIL = "select mail_id from erasures where user_id = :user_id"
_NAMED = f"id in (select id from mails where {_LINKED})"

# Of an error only its code stays: its message may repeat what the customer wrote.
_ONLY_CODE = "jsonb_build_object('code', error -> 'code', 'retryable', error -> 'retryable')"

# In the order in which it is done; each may be done again. What the books, the limits and the chain of the audit log
# need stays: ids, amounts, states, times.
CONTENT: dict[str, str] = {
    "callbacks": f"""
        delete from inbound_callbacks c using task_attempts a where a.id = c.attempt_id and a.task_id in ({_TASKS})""",
    "attempts": f"""
        update task_attempts set provider_reference = null, error = case when error is not null then {_ONLY_CODE} end
        where task_id in ({_TASKS}) and (provider_reference is not null or error <> {_ONLY_CODE})""",
    "tasks": f"""
        update tasks set input = '{{}}', metadata = '{{}}', routing = '{{}}', deleted_at = coalesce(deleted_at, now()),
            webhook_url = null, error = case when error is not null then {_ONLY_CODE} end
        where workspace_id = any (:workspaces) and (
            input <> '{{}}' or metadata <> '{{}}' or routing <> '{{}}' or deleted_at is null
            or webhook_url is not null or error <> {_ONLY_CODE})""",
    "items": f"""
        update batch_items set filename = null, metadata = '{{}}',
            error = case when error is not null then {_ONLY_CODE} end
        where batch_id in ({_BATCHES}) and (
            filename is not null or metadata <> '{{}}' or error <> {_ONLY_CODE})""",
    "batches": """
        update batches set metadata = '{}', routing = '{}'
        where workspace_id = any (:workspaces) and (metadata <> '{}' or routing <> '{}')""",
    "imports": f"delete from imported_files where batch_id in ({_BATCHES})",
    "answers": "delete from idempotency_keys where workspace_id = any (:workspaces)",
}

PERSON: dict[str, str] = {
    "endpoints": "delete from webhook_endpoints where workspace_id = any (:workspaces)",
    "signing_secrets": "delete from webhook_signing_secrets where workspace_id = any (:workspaces)",
    "deliveries": "delete from webhook_deliveries where workspace_id = any (:workspaces)",  # and their attempts
    "delivery_queues": "delete from webhook_queues where workspace_id = any (:workspaces)",
    # What was sent of their keys in teams of others.
    "key_deliveries": """
        update webhook_attempts a set request_body = null from webhook_deliveries d
        where d.id = a.delivery_id and d.event_type like 'api_key.%' and a.request_body is not null
            and exists (select from unnest(cast(:keys as text[])) as known (id)
                        where position(known.id in a.request_body) > 0)""",
    # After the assets, whose end is told too.
    "events": "update events set data = '{}' where workspace_id = any (:workspaces) and data <> '{}'",
    "key_events": """
        update events set data = '{}'
        where type like 'api_key.%' and data <> '{}' and data ->> 'id' = any (cast(:keys as text[]))""",
    "caught_mails": f"delete from caught_mails where id is distinct from ({_LAST_MAIL}) and ({_MAILED} or {_NAMED})",
    "mails": f"delete from mails where id is distinct from ({_LAST_MAIL}) and ({_MAILED} or {_LINKED})",
    "invitations": f"""
        update invitations set email = 'erased-' || id || '@invalid',
            revoked_at = case when accepted_at is null then coalesce(revoked_at, now()) else revoked_at end
        where id in ({_INVITED}) and email not like 'erased-%@invalid'""",
    "proofs": "delete from proofs where user_id = :user_id",
    "identities": "delete from identities where user_id = :user_id",
    "sessions": "delete from sessions where user_id = :user_id",
    "keys": f"delete from api_keys where id in ({_KEYS})",
    "workspaces": """
        update workspaces set name = 'erased', deleted_at = coalesce(deleted_at, now())
        where id = any (:workspaces) and (name <> 'erased' or deleted_at is null)""",
}

_USER = """
    update users set email = 'erased-' || id || '@invalid', canonical_email = null, email_verified_at = null,
        settled_at = null, password_hash = null, password_changed_at = null, name = null, locale = 'en',
        preferences = '{}', role = 'user', status = 'erased'
    where id = :user_id
"""

# What was only claimed is somebody else's, for all we know: the address of an account that never verified it, of a
# change that was asked for, of an identity elsewhere. One that was changed had been verified: both mailboxes agreed to
# that. The log counts milliseconds.
_ADDRESSES = """
    select lower(d.data ->> 'old_email') as address, e.created_at + interval '1 millisecond' as until
    from workspaces w join audit_entries e on e.chain = w.id join audit_details d on d.entry_id = e.id
    where w.owner_id = :user_id and w.kind = 'personal' and e.action = 'email.changed' and e.target_id = :user_id
    union all
    select lower(email), null from users where id = :user_id and email_verified_at is not null
    order by until nulls last
"""

_TARGETS = f"""
    select id from sessions where user_id = :user_id union all select id from identities where user_id = :user_id
    union all {_KEYS} union all {_PROOFS} union all {_INVITED} union all select cast(:user_id as uuid)
"""


def _bound(statement: str, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The statement with those of the values it names."""
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    made = text(statement)
    if "workspaces" in used:
        made = made.bindparams(bindparam("workspaces", type_=ARRAY(Uuid)))
    if "addresses" in used:
        made = made.bindparams(bindparam("addresses", type_=JSONB))
        known: Mapping[str, datetime | None] = used["addresses"]
        used["addresses"] = [
            {"address": address, "until": until and until.isoformat()} for address, until in known.items()
        ]
    return made, used


async def take_time(session: AsyncSession) -> None:
    """Whole tables are gone through: let the statements of this transaction take as long as they need."""
    await session.execute(text("select set_config('statement_timeout', '0', true)"))


async def erase(session: AsyncSession, statement: str, values: Mapping[str, Any]) -> None:
    made, used = _bound(statement, values)
    await session.execute(made, used)


async def erase_user(session: AsyncSession, user_id: UUID) -> None:
    """The row stays as a pseudonym, for what refers to it; the address may sign up again."""
    await session.execute(text(_USER), {"user_id": user_id})


async def list_addresses(session: AsyncSession, user_id: UUID) -> dict[str, datetime | None]:
    """Those that were shown to be the user's, in lower case, and until when each was; None: it still is.

    Known until the row of the user, and the details of their own workspace's chain, are erased.
    """
    rows = await session.execute(text(_ADDRESSES), {"user_id": user_id})
    return {row.address: row.until for row in rows}


async def list_targets(session: AsyncSession, values: Mapping[str, Any]) -> Sequence[UUID]:
    """The ids by which the audit log may name what was the user's."""
    made, used = _bound(_TARGETS, values)
    return (await session.execute(made, used)).scalars().all()


async def list_keys(session: AsyncSession, user_id: UUID) -> list[str]:
    """The public ids of the API keys the user made, wherever."""
    found = await session.execute(select(ApiKey.id).where(ApiKey.user_id == user_id))
    return [encode("key", key_id) for key_id in found.scalars()]


async def remove_members(session: AsyncSession, user_id: UUID, workspace_ids: Sequence[UUID]) -> None:
    statement = "delete from members where user_id = :user_id and workspace_id = any (:workspaces)"
    await erase(session, statement, {"user_id": user_id, "workspaces": list(workspace_ids)})


async def list_assets(session: AsyncSession, workspace_ids: Sequence[UUID], limit: int) -> Sequence[UUID]:
    """In any state."""
    query = select(Asset.id).where(Asset.workspace_id.in_(workspace_ids)).limit(limit)
    return (await session.execute(query)).scalars().all()


async def note_erased(session: AsyncSession, user_id: UUID, mail_id: UUID | None) -> None:
    values = {"erased_at": func.clock_timestamp(), "mail_id": mail_id}
    await session.execute(update(Erasure).where(Erasure.user_id == user_id).values(values))


async def find_mail(session: AsyncSession, address: str, kind: str) -> UUID | None:
    """The newest of that kind to the address."""
    statement = "select id from mails where to_address = :address and kind = :kind order by id desc limit 1"
    return (await session.execute(text(statement), {"address": address, "kind": kind})).scalar_one_or_none()


async def is_mail_pending(session: AsyncSession, mail_id: UUID) -> bool:
    statement = "select 1 from mails where id = :mail_id and status = 'pending'"
    return (await session.execute(text(statement), {"mail_id": mail_id})).first() is not None


async def remove_mail(session: AsyncSession, mail_id: UUID) -> None:
    """Also from where it was caught, in development."""
    for table in ("caught_mails", "mails"):
        await session.execute(text(f"delete from {table} where id = :mail_id"), {"mail_id": mail_id})
