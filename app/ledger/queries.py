"""SQL of the ledger."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import PageRequest
from app.ledger.models import CreditAccount, CreditTransfer, Price


async def call(session: AsyncSession, function: str, **values: object) -> Any:
    """The result of a function of the ledger, its parameters by name; `p_` is put before them."""
    names = ", ".join(f"p_{name} => :{name}" for name in values)
    return (await session.execute(text(f"select {function}({names})"), values)).scalar_one()


async def find_account(session: AsyncSession, *, workspace_id: UUID, mode: str) -> CreditAccount | None:
    return await session.get(CreditAccount, (workspace_id, mode), populate_existing=True)


async def list_transfers(
    session: AsyncSession, page: PageRequest, *, workspace_id: UUID, mode: str
) -> Sequence[CreditTransfer]:
    query = select(CreditTransfer).where(CreditTransfer.workspace_id == workspace_id, CreditTransfer.mode == mode)
    if page.after:
        query = query.where(
            tuple_(CreditTransfer.created_at, CreditTransfer.id) < (page.after.created_at, page.after.id)
        )
    query = query.order_by(CreditTransfer.created_at.desc(), CreditTransfer.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def find_price(session: AsyncSession, operation: str, provider: str, model: str) -> int | None:
    """The price of exactly this model, else of any model of the provider, else None."""
    return (
        await session.execute(
            select(Price.amount)
            .where(Price.operation == operation, Price.provider == provider, Price.model.in_((model, "*")))
            .order_by(case((Price.model == "*", 1), else_=0))
            .limit(1)
        )
    ).scalar_one_or_none()


async def list_prices(session: AsyncSession) -> Sequence[Price]:
    return (await session.execute(select(Price))).scalars().all()


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
           left join lateral (
               select coalesce(sum(case when credit = 'customer' then amount else -amount end), 0) as posted,
                      coalesce(sum(amount) filter (where kind in ('grant', 'purchase')), 0) as earned,
                      coalesce(sum(case kind when 'capture' then amount when 'refund' then -amount else 0 end), 0)
                          as spent
               from credit_transfers t where t.workspace_id = a.workspace_id and t.mode = a.mode) h on true
           left join lateral (
               select coalesce(sum(amount), 0) as held from credit_holds o
               where o.workspace_id = a.workspace_id and o.mode = a.mode and o.status = 'open') o on true
           where a.balance + a.held <> h.posted or a.held <> o.held
              or a.total_earned <> h.earned or a.total_spent <> h.spent""",
    ),
    "I6": (
        "history only grows",
        """select workspace_id, mode, entry, balance_before from (
               select *, lag(balance_after, 1, 0::bigint) over chain as expected, row_number() over chain as place
               from credit_transfers window chain as (partition by workspace_id, mode order by entry)) t
           where entry <> place or balance_before <> expected
           union all
           select a.workspace_id, a.mode, a.entries, 0 from credit_accounts a
           where a.entries <> (select count(*) from credit_transfers t
                               where t.workspace_id = a.workspace_id and t.mode = a.mode)
           union all
           select null, 'there is no trigger ' || guard, 0, 0
           from unnest(array['credit_transfers_append_only', 'credit_transfers_no_truncate',
                             'credit_holds_resolve_once', 'credit_holds_no_delete', 'credit_holds_no_truncate']) guard
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
           group by task_id having sum(case kind when 'refund' then amount else -amount end) > 0""",
    ),
}


async def find_breaches(session: AsyncSession, invariant: str, limit: int) -> Sequence[Row[*tuple[object, ...]]]:
    statement = f"select * from ({INVARIANTS[invariant][1]}) breach limit :limit"
    return (await session.execute(text(statement), {"limit": limit})).all()


async def count_transfers(session: AsyncSession) -> int:
    return (await session.execute(select(func.count()).select_from(CreditTransfer))).scalar_one()
