"""SQL of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, delete, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import PageRequest
from app.ledger.models import CreditAccount, CreditGrant, CreditHold, CreditTransfer, Price, TransferKind


async def call(session: AsyncSession, function: str, **values: object) -> Any:
    """The result of a function of the ledger, its parameters by name; `p_` is put before them."""
    names = ", ".join(f"p_{name} => :{name}" for name in values)
    return (await session.execute(text(f"select {function}({names})"), values)).scalar_one()


async def release_each(session: AsyncSession, task_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The balance after each; None where no hold was open."""
    statement = text("select id, ledger_release(id) from unnest(:ids) with ordinality asked (id, place) order by place")
    found = await session.execute(statement.bindparams(bindparam("ids", list(task_ids), ARRAY(Uuid))))
    return {row[0]: row[1] for row in found}


async def find_account(session: AsyncSession, *, workspace_id: UUID, mode: str) -> CreditAccount | None:
    return await session.get(CreditAccount, (workspace_id, mode), populate_existing=True)


async def set_low_mark(session: AsyncSession, low_mark: int, *, workspace_id: UUID, mode: str) -> CreditAccount:
    where = (CreditAccount.workspace_id == workspace_id, CreditAccount.mode == mode)
    statement = update(CreditAccount).where(*where).values(low_mark=low_mark).returning(CreditAccount)
    return (await session.execute(statement.execution_options(populate_existing=True))).scalar_one()


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, until before `until`: periods that adjoin share no moment."""

    since: datetime | None = None
    until: datetime | None = None


async def list_transfers(
    session: AsyncSession, page: PageRequest, period: Period, *, workspace_id: UUID, mode: str
) -> Sequence[CreditTransfer]:
    query = select(CreditTransfer).where(CreditTransfer.workspace_id == workspace_id, CreditTransfer.mode == mode)
    if period.since:
        query = query.where(CreditTransfer.created_at >= period.since)
    if period.until:
        query = query.where(CreditTransfer.created_at < period.until)
    if page.after:
        query = query.where(
            tuple_(CreditTransfer.created_at, CreditTransfer.id) < (page.after.created_at, page.after.id)
        )
    query = query.order_by(CreditTransfer.created_at.desc(), CreditTransfer.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def find_transfer(session: AsyncSession, reference: str, kind: TransferKind) -> CreditTransfer | None:
    query = select(CreditTransfer).where(CreditTransfer.reference == reference, CreditTransfer.kind == kind)
    return (await session.execute(query)).scalar_one_or_none()


async def list_grants(
    session: AsyncSession, page: PageRequest, *, workspace_id: UUID, mode: str
) -> Sequence[CreditGrant]:
    """Those with something left, newest first."""
    query = select(CreditGrant).where(
        CreditGrant.workspace_id == workspace_id, CreditGrant.mode == mode, CreditGrant.live
    )
    if page.after:
        query = query.where(tuple_(CreditGrant.created_at, CreditGrant.id) < (page.after.created_at, page.after.id))
    query = query.order_by(CreditGrant.created_at.desc(), CreditGrant.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def sum_refundable(session: AsyncSession, task_id: UUID) -> int:
    query = select(func.coalesce(func.sum(CreditHold.captured - CreditHold.refunded), 0))
    return int((await session.execute(query.where(CreditHold.task_id == task_id))).scalar_one())


async def expire_due(session: AsyncSession, limit: int) -> int:
    """Let the credits of so many accounts expire, those that have waited the longest; how many accounts there were."""
    # By their keys, as everybody locks them who locks several.
    statement = """
        select ledger_expire(workspace_id, mode) from (
            select workspace_id, mode from (
                select workspace_id, mode from credit_accounts where next_expiry_at <= clock_timestamp()
                order by next_expiry_at limit :limit) due
            order by workspace_id, mode) due
    """
    return len((await session.execute(text(statement), {"limit": limit})).all())


PRICES = "select operation, provider, model, amount from prices"

SET_PRICES = """
    insert into prices (operation, provider, model, amount) values (:operation, :provider, :model, :amount)
    on conflict (operation, provider, model) do update set amount = excluded.amount
"""

ADD_PRICES = """
    insert into prices (operation, provider, model, amount)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) on conflict do nothing
"""


async def set_prices(session: AsyncSession, prices: Mapping[tuple[str, str, str], int]) -> None:
    names = ("operation", "provider", "model", "amount")
    rows = [dict(zip(names, (*key, amount), strict=True)) for key, amount in prices.items()]
    if rows:
        await session.execute(text(SET_PRICES), rows)


async def remove_prices(session: AsyncSession, keys: Sequence[tuple[str, str, str]]) -> None:
    await session.execute(delete(Price).where(tuple_(Price.operation, Price.provider, Price.model).in_(keys)))


# What holds keep of each grant (migration 1305): the first parts, up to what is held or was captured for good. Most
# holds have one part; only the others need their parts added up.
KEEPS = "case status when 'open' then h.amount else captured - refunded end"
KEPT = f"""
    select id, workspace_id, mode, sum(amount) as amount from (
        select grant_ids[1] as id, workspace_id, mode, {KEEPS} as amount from credit_holds h
        where status <> 'released' and cardinality(grant_ids) = 1
        union all
        select part.id, workspace_id, mode, least(part.amount, greatest({KEEPS} - part.earlier, 0))
        from credit_holds h cross join lateral (
            select id, amount, sum(amount) over (order by place) - amount as earlier
            from unnest(grant_ids, grant_amounts) with ordinality part (id, amount, place)) part
        where status <> 'released' and cardinality(grant_ids) > 1) kept
    group by id, workspace_id, mode
"""

# Each answers the rows that break it; ids and amounts only. I7 reads the tasks table by name: the task's end and its
# hold's end are one transaction, and this is where that is checked.
INVARIANTS: dict[str, tuple[str, str]] = {
    "I1": (
        "transfers sum to zero",
        """select id, debit, credit, amount from credit_transfers
           where debit = credit or amount <= 0 or 'customer' not in (debit, credit)""",
    ),
    "I2": (
        "nobody has less than nothing",
        "select workspace_id, mode, balance, held from credit_accounts where balance < 0 or held < 0",
    ),
    "I3": (
        "a hold resolves at most once",
        """select h.id, count(t.id) from credit_holds h
           join credit_transfers t on t.kind = 'capture' and t.reference = h.id::text
           group by h.id, h.status having count(t.id) > 1 or h.status <> 'captured'
               or bool_or((t.workspace_id, t.mode, t.task_id) is distinct from (h.workspace_id, h.mode, h.task_id))
           union all
           select h.id, 0 from credit_holds h where h.status = 'captured' and h.captured > 0 and not exists
               (select 1 from credit_transfers t where t.kind = 'capture' and t.reference = h.id::text)""",
    ),
    "I4": (
        "no more is captured than was held",
        """select h.id, h.amount, h.captured from credit_holds h
           left join credit_transfers t on t.kind = 'capture' and t.reference = h.id::text
           where h.captured > h.amount or coalesce(t.amount, 0) <> h.captured
           union all
           select t.id, 0, t.amount from credit_transfers t
           where t.kind = 'capture' and not exists (select 1 from credit_holds h where h.id::text = t.reference)
           union all
           select h.id, h.amount, k.quoted from credit_holds h join tasks k on k.id = h.task_id
           where h.amount <> k.quoted""",
    ),
    "I5": (
        "balances are the sum of their history",
        """select a.workspace_id, a.mode, a.balance, a.held, a.total_earned, a.total_spent from credit_accounts a
           left join (
               select workspace_id, mode, sum(case when credit = 'customer' then amount else -amount end) as posted,
                      sum(amount) filter (where kind in ('grant', 'purchase')) as earned,
                      sum(case kind when 'capture' then amount when 'refund' then -amount else 0 end) as spent
               from credit_transfers group by workspace_id, mode) h using (workspace_id, mode)
           left join (
               select workspace_id, mode, sum(amount) as held from credit_holds where status = 'open'
               group by workspace_id, mode) o using (workspace_id, mode)
           where a.balance + a.held <> coalesce(h.posted, 0) or a.held <> coalesce(o.held, 0)
              or a.total_earned <> coalesce(h.earned, 0) or a.total_spent <> coalesce(h.spent, 0)""",
    ),
    "I6": (
        "history only grows",
        """select workspace_id, mode, entry, balance_before from (
               select *, lag(balance_after, 1, 0::bigint) over chain as expected, row_number() over chain as place
               from credit_transfers window chain as (partition by workspace_id, mode order by entry)) t
           where entry <> place or balance_before <> expected
           union all
           select workspace_id, mode, a.entries, 0 from credit_accounts a
           left join (select workspace_id, mode, count(*) as entries from credit_transfers
                      group by workspace_id, mode) t using (workspace_id, mode)
           where a.entries <> coalesce(t.entries, 0)
           union all
           select null, 'there is no trigger ' || guard, 0, 0
           from unnest(array['credit_transfers_append_only', 'credit_transfers_no_truncate',
                             'credit_holds_resolve_once', 'credit_holds_no_delete', 'credit_holds_no_truncate',
                             'credit_grants_keep_terms', 'credit_grants_no_delete',
                             'credit_grants_no_truncate']) guard
           where not exists (select 1 from pg_trigger where tgname = guard and tgenabled = 'A')""",
    ),
    "I7": (
        "a task has ended when, and only when, its hold is resolved",
        """select t.id, t.status, h.id, h.status from tasks t
           left join credit_holds h on h.task_id = t.id and h.status = 'open'
           where (t.status in ('succeeded', 'failed', 'canceled')) = (h.id is not null)
           union all
           select h.task_id, 'no such task', h.id, h.status from credit_holds h
           where h.status = 'open' and not exists (select 1 from tasks t where t.id = h.task_id)
           union all
           select t.id, t.status, null, 'charged though it did not succeed' from tasks t
           where t.status <> 'succeeded' and exists (
               select 1 from credit_transfers c where c.task_id = t.id and c.kind = 'capture')""",
    ),
    "I8": (
        "no more is refunded than was captured",
        """select task_id, sum(case kind when 'refund' then amount else -amount end) from credit_transfers
           where task_id is not null and kind in ('capture', 'refund')
           group by task_id having sum(case kind when 'refund' then amount else -amount end) > 0
           union all
           select task_id, h.amount - coalesce(t.amount, 0)
           from (select task_id, sum(refunded) as amount from credit_holds where refunded > 0 group by task_id) h
           full join (select task_id, sum(amount) as amount from credit_transfers where kind = 'refund'
                      group by task_id) t using (task_id)
           where h.amount is distinct from t.amount""",
    ),
    "I9": (
        "every credit is where its grant says",
        f"""select id::text, 'parts', amount::numeric, sum_of(grant_amounts)::numeric from credit_holds
           where amount <> sum_of(grant_amounts) or cardinality(grant_ids) <> cardinality(grant_amounts)
           union all
           select a.workspace_id || ' ' || a.mode, 'balance, remaining', a.balance, coalesce(g.remaining, 0)
           from credit_accounts a
           left join (
               select workspace_id, mode, sum(remaining) as remaining, sum(amount) as amount,
                      min(expires_at) filter (where live) as soonest
               from credit_grants group by workspace_id, mode) g using (workspace_id, mode)
           where a.balance <> coalesce(g.remaining, 0) or a.total_earned <> coalesce(g.amount, 0)
              or g.soonest < coalesce(a.next_expiry_at, 'infinity')
           union all
           select coalesce(g.id, k.id)::text, 'amount, kept', g.amount, k.amount
           from credit_grants g full join ({KEPT}) k using (id, workspace_id, mode)
           where g.amount is null or g.amount <> g.remaining + g.expired + coalesce(k.amount, 0)
           union all
           select g.id::text, 'expired', g.expired, coalesce(t.amount, 0) from credit_grants g
           left join (select left(reference, 36) as id, sum(amount) as amount from credit_transfers
                      where kind = 'expiry' group by 1) t on t.id = g.id::text
           where g.expired <> coalesce(t.amount, 0)
           union all
           select g.id::text, 'no transfer', g.amount, 0 from credit_grants g
           where g.reference <> 'before-grants:' || g.workspace_id || ':' || g.mode and not exists (
               select 1 from credit_transfers t where (t.reference, t.kind, t.workspace_id, t.mode, t.amount)
                   = (g.reference, g.kind, g.workspace_id, g.mode, g.amount))""",
    ),
    "I10": (
        "a batch counts what its tasks are and cost, and its end is told once",
        """select b.id, b.open, b.held, b.charged from batches b
           left join (
               select i.batch_id, count(*) as total, count(*) filter (where i.task_id is null) as refused,
                      count(*) filter (where t.status = 'succeeded') as succeeded,
                      count(*) filter (where t.status = 'failed') as failed,
                      count(*) filter (where t.status = 'canceled') as canceled,
                      sum(t.quoted) as quoted, sum(t.charged) as charged,
                      coalesce(sum(t.quoted) filter (
                          where t.status in ('pending', 'processing', 'reconciling')), 0) as held
               from batch_items i left join tasks t on t.id = i.task_id and t.batch_id = i.batch_id
               group by i.batch_id) c on c.batch_id = b.id
           where (b.total, b.refused, b.succeeded, b.failed, b.canceled, b.quoted, b.charged, b.held)
               is distinct from (c.total, c.refused, c.succeeded, c.failed, c.canceled, c.quoted, c.charged, c.held)
              or (b.is_told::int <> (
                      select count(*) from events e where e.batch_id = b.id and e.type = 'batch.completed')
                  and coalesce(b.completed_at, now()) > coalesce((select kept_since from event_log), '-infinity'))
              or b.open = 0 and not b.is_told""",
    ),
    "I11": (
        "what a key's budget says was spent is what holds of this round keep",
        f"""select b.key_id, b.round, b.spent, coalesce(h.amount, 0) from key_budgets b
           left join (
               select budget_key_id as key_id, budget_round as round, sum({KEEPS}) as amount from credit_holds h
               where budget_key_id is not null group by 1, 2) h using (key_id, round)
           where b.spent <> coalesce(h.amount, 0)
           union all
           select h.budget_key_id, h.budget_round, h.amount, null from credit_holds h
           join key_budgets b on b.key_id = h.budget_key_id join api_keys k on k.id = h.budget_key_id
           where h.budget_round > b.round or (k.workspace_id, k.mode) <> (h.workspace_id, h.mode)
           union all
           select null, null, null, null where not exists (
               select 1 from pg_trigger where tgname = 'credit_holds_count_in_budget' and tgenabled = 'A')""",
    ),
}


async def find_breaches(session: AsyncSession, statement: str, limit: int) -> Sequence[Row[*tuple[object, ...]]]:
    """The first rows of a check, which may take its time."""
    # Whole tables are read and sorted; without the memory it would be done on disk.
    await session.execute(
        text("select set_config('statement_timeout', '0', true), set_config('work_mem', '128MB', true)")
    )
    return (await session.execute(text(f"select * from ({statement}) breach limit :limit"), {"limit": limit})).all()
