"""SQL of the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, exists, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit.models import AuditDetails, AuditEntry
from app.accounts.models import Member, User
from app.core.paging import PageRequest

APPEND = text("select audit_append(:entry)").bindparams(bindparam("entry", type_=JSONB))

ERASED = "audit_log.erased"
"""The entry that says of which entries the details were erased; its own stay."""

# --- checking

# What the functions of the database compute, written out here once more: a function that was replaced is found out.
_ENTRY_HASH = """sha256(e.previous_hash || convert_to(jsonb_build_array(
    e.chain, e.number, e.id, e.workspace_id, e.actor_kind, e.actor_id, e.key_id, e.action, e.target_kind,
    e.target_id, encode(e.details_hash, 'hex'), extract(epoch from e.created_at))::text, 'UTF8'))"""
_DETAILS_HASH = "sha256(d.salt || convert_to(jsonb_build_array(d.ip, d.user_agent, d.data)::text, 'UTF8'))"

# Which entries' details were erased, by entries whose own details are as they were sealed.
_ERASED = f"""
    select e.chain, e.number as until, (d.data ->> 'entries')::int8multirange as entries
    from audit_entries e join audit_details d on d.entry_id = e.id
    where e.action = '{ERASED}' and e.details_hash = {_DETAILS_HASH}
      and d.data ->> 'entries' ~ '^{{(\\[[0-9]{{1,18}},[0-9]{{1,18}}\\),?)+}}$'
"""
_IS_ERASED = "exists (select 1 from erased x where x.chain = e.chain and x.until > e.number and x.entries @> e.number)"

# Each answers the rows that break it: chain, number, and what is wrong there.
CHECKS: dict[str, tuple[str, str]] = {
    "A1": (
        "every entry is as it was sealed",
        f"select e.chain, e.number, 'was changed' from audit_entries e where e.hash <> {_ENTRY_HASH}",
    ),
    "A2": (
        "every entry follows the one before",
        """select chain, number,
                  case when number <> before + 1 then 'entries before it are missing: the last is ' || before
                       else 'does not follow the entry before it' end
           from (select chain, number, previous_hash, lag(number, 1, 0::bigint) over places as before,
                        lag(hash, 1, ''::bytea) over places as expected
                 from audit_entries window places as (partition by chain order by number)) e
           where number <> before + 1 or previous_hash <> expected""",
    ),
    "A3": (
        "every chain ends with its newest entry",
        """select coalesce(c.chain, e.chain), coalesce(e.number, 0),
                  case when c.chain is null then 'the end of the chain is missing'
                       when coalesce(e.number, 0) <> c.number then 'entries at the end are missing, up to ' || c.number
                       else 'the end of the chain was changed' end
           from audit_chains c full join (
               select distinct on (chain) chain, number, hash from audit_entries order by chain, number desc) e
               on e.chain = c.chain
           where c.chain is null or e.chain is null or (e.number, e.hash) <> (c.number, c.hash)""",
    ),
    "A4": (
        "details are those of their entry",
        f"""select e.chain, e.number, 'its details were changed'
           from audit_details d join audit_entries e on e.id = d.entry_id where e.details_hash <> {_DETAILS_HASH}
           union all
           select null, null, 'details of an entry that is not there: ' || d.entry_id
           from audit_details d where not exists (select 1 from audit_entries e where e.id = d.entry_id)""",
    ),
    "A5": (
        "details are gone only where that was noted",
        f"""with erased as materialized ({_ERASED})
           select e.chain, e.number, 'its details are gone, and no entry says that they were erased'
           from audit_entries e
           where not exists (select 1 from audit_details d where d.entry_id = e.id) and not {_IS_ERASED}""",
    ),
    "A6": (
        "the guards are in place",
        """select null, null, 'there is no trigger ' || guard
           from unnest(array['audit_entries_append_only', 'audit_entries_no_truncate', 'audit_details_no_change',
                             'audit_details_no_truncate', 'audit_chains_no_delete', 'audit_chains_no_truncate',
                             'audit_chains_only_grow']) guard
           where not exists (select 1 from pg_trigger where tgname = guard and tgenabled = 'A')""",
    ),
}

_COUNTS = """
    select (select count(*) from audit_chains) as chains, (select count(*) from audit_entries) as entries,
           (select count(*) from audit_entries e
            where not exists (select 1 from audit_details d where d.entry_id = e.id)) as erased
"""

_ENDS = "select chain, number, encode(hash, 'hex') as hash from audit_chains order by chain"

# Of ends that were written down elsewhere, those that are not in the log any more.
_LOST_ENDS = """
    select a.chain, a.number from jsonb_to_recordset(:ends) as a (chain uuid, number bigint, hash text)
    left join audit_entries e on e.chain = a.chain and e.number = a.number
    where a.number > 0 and encode(e.hash, 'hex') is distinct from a.hash
    order by 1, 2
"""


async def find_breaches(session: AsyncSession, statement: str, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    ordered = f"select * from ({statement}) breach (chain, number, detail) order by 1, 2 limit :limit"
    return (await session.execute(text(ordered), {"limit": limit})).all()


async def count(session: AsyncSession) -> Row[*tuple[Any, ...]]:
    """chains, entries, erased"""
    return (await session.execute(text(_COUNTS))).one()


async def take_time(session: AsyncSession) -> None:
    """Whole tables are read: let the statements of this transaction run as long as they need, and sort in memory."""
    await session.execute(
        text("select set_config('statement_timeout', '0', true), set_config('work_mem', '128MB', true)")
    )


async def list_ends(session: AsyncSession) -> Sequence[Row[*tuple[Any, ...]]]:
    """chain, number and hash of the newest entry of each chain."""
    return (await session.execute(text(_ENDS))).all()


async def list_lost_ends(session: AsyncSession, ends: Sequence[dict[str, Any]]) -> Sequence[Row[*tuple[Any, ...]]]:
    statement = text(_LOST_ENDS).bindparams(bindparam("ends", type_=JSONB))
    return (await session.execute(statement, {"ends": list(ends)})).all()


# --- erasing

# Only what the log itself needs stays. The row of the chain is locked first: nobody adds to it meanwhile.
_ERASE = """
    with gone as (
        delete from audit_details d using audit_entries e
        where e.id = d.entry_id and e.chain = :chain and e.action <> :erased and {which}
        returning e.number)
    select range_agg(int8range(number, number + 1))::text as entries, count(*) as number from gone
"""
_WHOLE = "true"
# A word counts where it is all that is said, however deep, and before the moment until which it meant the user.
_ABOUT_USER = """(e.actor_id = :user_id or e.target_id = any (:targets)
    or exists (select 1 from jsonb_path_query(d.data, 'strict $.** ? (@.type() == "string")') said
               join jsonb_to_recordset(:words) known (word text, until timestamptz) on known.word = lower(said #>> '{}')
               where known.until is null or e.created_at < known.until))"""


async def lock_chain(session: AsyncSession, chain: UUID) -> None:
    await session.execute(text("select 1 from audit_chains where chain = :chain for update"), {"chain": chain})


async def erase_chain(session: AsyncSession, chain: UUID) -> tuple[str | None, int]:
    """The numbers of the entries whose details are gone now, as a multirange, and how many."""
    row = (await session.execute(text(_ERASE.format(which=_WHOLE)), {"chain": chain, "erased": ERASED})).one()
    return row.entries, row.number


def _about_user(
    statement: str, user_id: UUID, targets: Sequence[UUID], words: Mapping[str, datetime | None], **more: Any
) -> tuple[Any, dict[str, Any]]:
    known = [{"word": word, "until": until and until.isoformat()} for word, until in words.items()]
    values = {"erased": ERASED, "user_id": user_id, "targets": list(targets), "words": known, **more}
    return text(statement).bindparams(bindparam("words", type_=JSONB)), values


async def erase_about_user(
    session: AsyncSession, chain: UUID, user_id: UUID, *, targets: Sequence[UUID], words: Mapping[str, datetime | None]
) -> tuple[str | None, int]:
    """The same for entries by the user, about these, or that say one of the words."""
    erasing = _about_user(_ERASE.format(which=_ABOUT_USER), user_id, targets, words, chain=chain)
    row = (await session.execute(*erasing)).one()
    return row.entries, row.number


_CHAINS_ABOUT_USER = f"""
    select distinct e.chain from audit_entries e join audit_details d on d.entry_id = e.id
    where e.action <> :erased and {_ABOUT_USER} order by e.chain
"""


async def list_chains_about_user(
    session: AsyncSession, user_id: UUID, *, targets: Sequence[UUID], words: Mapping[str, datetime | None]
) -> Sequence[UUID]:
    """The chains with details `erase_about_user` would erase. It reads the whole log."""
    return (await session.execute(*_about_user(_CHAINS_ABOUT_USER, user_id, targets, words))).scalars().all()


# --- reading


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are wanted; None: all."""

    action: str | None = None
    actor: UUID | None = None
    """A user, or an API key."""
    target: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    workspace_id: UUID | None = None
    """Of all chains, for admins; UUID zero is the installation's own."""


async def list_entries(
    session: AsyncSession, page: PageRequest, filters: Filters
) -> Sequence[Row[AuditEntry, AuditDetails, str, bool]]:
    """Each AuditEntry, its AuditDetails or None, its actor's address or None, and whether that one is a member."""
    is_member = exists().where(Member.workspace_id == AuditEntry.workspace_id, Member.user_id == AuditEntry.actor_id)
    query = (
        select(AuditEntry, AuditDetails, User.email, is_member.label("is_member"))
        .outerjoin(AuditDetails, AuditDetails.entry_id == AuditEntry.id)
        .outerjoin(User, User.id == AuditEntry.actor_id)
    )
    if filters.workspace_id is not None and filters.workspace_id.int == 0:
        query = query.where(AuditEntry.workspace_id.is_(None))
    elif filters.workspace_id is not None:
        query = query.where(AuditEntry.workspace_id == filters.workspace_id)
    if filters.action:
        query = query.where(AuditEntry.action == filters.action)
    if filters.actor:
        query = query.where(or_(AuditEntry.actor_id == filters.actor, AuditEntry.key_id == filters.actor))
    if filters.target:
        query = query.where(AuditEntry.target_id == filters.target)
    if filters.created_after:
        query = query.where(AuditEntry.created_at >= filters.created_after)
    if filters.created_before:
        query = query.where(AuditEntry.created_at < filters.created_before)
    if page.after:
        query = query.where(tuple_(AuditEntry.created_at, AuditEntry.id) < (page.after.created_at, page.after.id))
    query = query.order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).all()
