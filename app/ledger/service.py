"""Rules of money: grants, holds, captures, releases, prices. Every function works inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.keys import service as keys
from app.accounts.schemas import CallerInfo
from app.core import clock
from app.core.amounts import from_credits, to_number, to_text
from app.core.db import Database
from app.core.paging import PageRequest, cut
from app.core.settings import Settings
from app.events import service as events
from app.ledger import queries
from app.ledger.errors import InsufficientCredits, NotRefundable, ReferenceTaken
from app.ledger.models import CreditAccount, CreditGrant, CreditTransfer, GrantKind, TransferKind
from app.ledger.queries import Period


class HoldMissing(Exception):
    """The task has no open hold: its money was settled before. The caller's transaction must not commit."""


def welcome(settings: Settings, mode: str) -> tuple[int, str]:
    """The first grant of an account, in millionths of a credit, and what its statement says."""
    if mode == "live":
        return from_credits(settings.ledger.signup_credits), "Welcome credits"
    return from_credits(settings.ledger.test_credits), "Test credits"


async def open_account(session: AsyncSession, settings: Settings, *, workspace_id: UUID, mode: str) -> None:
    """Make the account with its first grant, where it is not there yet: accounts open when first looked at.

    A live one gets its grant once the owner's address is verified, if the mailbox had none before.
    """
    amount, reason = welcome(settings, mode)
    await queries.call(session, "ledger_open", workspace=workspace_id, mode=mode, welcome=amount, reason=reason)


async def get_account(session: AsyncSession, settings: Settings, *, workspace_id: UUID, mode: str) -> CreditAccount:
    """The account as it is now: opened if absent, rid of what is past its expiry."""
    account = await queries.find_account(session, workspace_id=workspace_id, mode=mode)
    if account is None or account.awaits_welcome:
        await open_account(session, settings, workspace_id=workspace_id, mode=mode)
    elif account.next_expiry_at is not None and account.next_expiry_at <= clock.now():
        await queries.call(session, "ledger_expire", workspace=workspace_id, mode=mode)
    else:
        return account
    account = await queries.find_account(session, workspace_id=workspace_id, mode=mode)
    if account is None:
        raise LookupError("a credit account vanished while being made")
    return account


async def set_low_mark(
    session: AsyncSession, settings: Settings, caller: CallerInfo, actor: Actor, low_mark: int
) -> CreditAccount:
    """From now on the workspace is told when it has less, in millionths of a credit."""
    await get_account(session, settings, workspace_id=caller.workspace_id, mode=caller.mode)
    account = await queries.set_low_mark(session, low_mark, workspace_id=caller.workspace_id, mode=caller.mode)
    shown = {"mode": caller.mode, "low_mark": to_number(low_mark)}
    audit.record(session, actor, "credits.low_mark_set", workspace_id=caller.workspace_id, data=shown)
    return account


async def hold(
    session: AsyncSession,
    settings: Settings,
    amount: int,
    *,
    workspace_id: UUID,
    mode: str,
    task_id: UUID,
    budget_key_id: UUID | None = None,
) -> int:
    """Set `amount` aside for a task; the balance left. It counts in the budget of that key, if it has one.

    Raises InsufficientCredits with price and balance, or KeyBudgetExceeded.
    """
    taken = {"workspace": workspace_id, "mode": mode, "task": task_id, "amount": amount}
    if budget_key_id is not None:
        await queries.call(session, "ledger_expire", workspace=workspace_id, mode=mode)  # locks: account, then budget
        room = await queries.call(session, "budget_left", key=budget_key_id)
        if room is not None and amount > max(room, 0):
            raise await keys.budget_exceeded(session, budget_key_id, amount)
        taken["budget_key"] = budget_key_id
    left: int | None = await queries.call(session, "ledger_hold", **taken)
    if left is None:
        account = await get_account(session, settings, workspace_id=workspace_id, mode=mode)
        left = await queries.call(session, "ledger_hold", **taken)
        if left is None:
            price, balance = to_number(amount), to_number(account.balance)
            raise InsufficientCredits(
                f"This costs {price} credits and the balance is {balance}.", price=price, balance=balance
            )
    return left


async def capture(session: AsyncSession, task_id: UUID, amount: int, *, reason: str) -> int:
    """Take `amount` of what is held for the task and give the rest back; the balance then.

    Raises HoldMissing when it was settled before.
    """
    left: int | None = await queries.call(session, "ledger_capture", task=task_id, amount=amount, reason=reason)
    if left is None:
        raise HoldMissing(task_id)
    return left


async def release(session: AsyncSession, task_id: UUID) -> int:
    """Give back all that is held for the task; the balance then. Raises HoldMissing when settled before."""
    left: int | None = await queries.call(session, "ledger_release", task=task_id)
    if left is None:
        raise HoldMissing(task_id)
    return left


async def release_each(session: AsyncSession, task_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """The same for several tasks, in one statement; the balance after each. Raises HoldMissing."""
    left = await queries.release_each(session, task_ids)
    for task_id in task_ids:
        if left[task_id] is None:
            raise HoldMissing(task_id)
    return left


async def grant(
    session: AsyncSession,
    settings: Settings,
    amount: int,
    *,
    workspace_id: UUID,
    mode: str,
    reason: str,
    reference: str,
    kind: GrantKind = GrantKind.GRANT,
    priority: int = 0,
    expires_at: datetime | None = None,
) -> bool:
    """Give credits; False when this `reference` gave them before, which changes nothing.

    Lower priorities are burned first, then what expires soonest. Raises ReferenceTaken.
    """
    await open_account(session, settings, workspace_id=workspace_id, mode=mode)
    where = {"workspace": workspace_id, "mode": mode}
    terms = {"priority": priority, "expires": expires_at}
    made = await queries.call(
        session, "ledger_grant", **where, kind=kind, amount=amount, reason=reason, reference=reference, **terms
    )
    if made is not None:
        events.announce(session)
        return True
    before = await queries.find_transfer(session, reference, TransferKind(kind))
    if before is None or (before.workspace_id, before.mode, before.amount) != (workspace_id, mode, amount):
        raise ReferenceTaken(f"The reference {reference!r} stands for another {kind}.")
    return False


async def refund(session: AsyncSession, task_id: UUID, amount: int | None, *, reason: str, reference: str) -> int:
    """Give back `amount` of what a task was charged, or all that is left of it; the balance then.

    The credits return to the grants they came from; one that expired meanwhile lives for 30 more days. The same
    `reference` again changes nothing. Raises NotRefundable or ReferenceTaken.
    """
    before = await queries.find_transfer(session, reference, TransferKind.REFUND)
    if before is not None and (before.task_id != task_id or amount not in (None, before.amount)):
        raise ReferenceTaken(f"The reference {reference!r} stands for another refund.")
    balance: int | None = await queries.call(
        session, "ledger_refund", task=task_id, amount=amount, reason=reason, reference=reference
    )
    if balance is None:
        left = to_text(await queries.sum_refundable(session, task_id))
        raise NotRefundable(f"Of this task's charge {left} credits are left to refund.")
    return balance


async def expire_due(database: Database, *, at_once: int = 100) -> int:
    """Let all credits past their expiry expire, a few accounts in each transaction; how many accounts there were.

    Stopped or done twice it does no harm. Holds and reads do not wait for it: what is due expires before they look.
    """
    total, found = 0, at_once
    while found == at_once:
        async with database.transaction() as session:
            found = await queries.expire_due(session, at_once)
        total += found
    return total


async def list_grants(
    session: AsyncSession, settings: Settings, caller: CallerInfo, page: PageRequest
) -> tuple[list[CreditGrant], str | None]:
    """What the balance is made of."""
    await get_account(session, settings, workspace_id=caller.workspace_id, mode=caller.mode)
    rows = await queries.list_grants(session, page, workspace_id=caller.workspace_id, mode=caller.mode)
    return cut(rows, page)


async def list_transfers(
    session: AsyncSession, caller: CallerInfo, page: PageRequest, period: Period
) -> tuple[list[CreditTransfer], str | None]:
    rows = await queries.list_transfers(session, page, period, workspace_id=caller.workspace_id, mode=caller.mode)
    return cut(rows, page)


def price_of(prices: Mapping[tuple[str, str, str], int], operation: str, provider: str, model: str) -> int | None:
    """Millionths of a credit for one output by this model, else by any of the provider; None: it is not on sale."""
    return prices.get((operation, provider, model), prices.get((operation, provider, "*")))


async def set_prices(session: AsyncSession, prices: Mapping[tuple[str, str, str], int]) -> None:
    """Millionths of a credit for one output, by (operation, provider, model): of orders from now on."""
    await queries.set_prices(session, prices)


async def remove_prices(session: AsyncSession, keys: Sequence[tuple[str, str, str]]) -> None:
    """Of (operation, provider, model): what the provider's models cost in general holds for them again, if anything."""
    await queries.remove_prices(session, keys)
