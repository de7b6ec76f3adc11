"""Rules of money: grants, holds, captures, releases, prices. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import CallerInfo
from app.core import clock
from app.core.paging import PageRequest, cut
from app.core.settings import Settings
from app.ledger import queries
from app.ledger.amounts import from_credits, to_number
from app.ledger.errors import InsufficientCredits
from app.ledger.models import CreditAccount, CreditTransfer


class HoldMissing(Exception):
    """The task has no open hold: its money was settled before. The caller's transaction must not commit."""


async def open_account(session: AsyncSession, settings: Settings, *, workspace_id: UUID, mode: str) -> None:
    """Make the account with its first grant, where it is not there yet: accounts open when first looked at."""
    await queries.call(
        session,
        "ledger_open",
        workspace=workspace_id,
        mode=mode,
        welcome=from_credits(settings.ledger.signup_credits if mode == "live" else settings.ledger.test_credits),
        reason="Welcome credits" if mode == "live" else "Test credits",
    )


async def get_account(session: AsyncSession, settings: Settings, *, workspace_id: UUID, mode: str) -> CreditAccount:
    """The account as it is now: opened if absent, rid of what is past its expiry."""
    account = await queries.find_account(session, workspace_id=workspace_id, mode=mode)
    if account is None:
        await open_account(session, settings, workspace_id=workspace_id, mode=mode)
    elif account.next_expiry_at is not None and account.next_expiry_at <= clock.now():
        await queries.call(session, "ledger_expire", workspace=workspace_id, mode=mode)
    else:
        return account
    account = await queries.find_account(session, workspace_id=workspace_id, mode=mode)
    if account is None:
        raise LookupError("a credit account vanished while being made")
    return account


async def hold(
    session: AsyncSession, settings: Settings, amount: int, *, workspace_id: UUID, mode: str, task_id: UUID
) -> int:
    """Set `amount` aside for a task; the balance left. Raises InsufficientCredits with price and balance."""
    taken = {"workspace": workspace_id, "mode": mode, "task": task_id, "amount": amount}
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


async def list_transfers(
    session: AsyncSession, caller: CallerInfo, page: PageRequest
) -> tuple[list[CreditTransfer], str | None]:
    rows = await queries.list_transfers(session, page, workspace_id=caller.workspace_id, mode=caller.mode)
    return cut(rows, page)


async def find_price(session: AsyncSession, operation: str, provider: str, model: str) -> int | None:
    """Millionths of a credit for one output; None when it is not on sale."""
    return await queries.find_price(session, operation, provider, model)


async def price_table(session: AsyncSession) -> Mapping[tuple[str, str, str], int]:
    """All prices by (operation, provider, model or `*`)."""
    return {(row.operation, row.provider, row.model): row.amount for row in await queries.list_prices(session)}


def price_of(prices: Mapping[tuple[str, str, str], int], operation: str, provider: str, model: str) -> int | None:
    """As `find_price`, in a table read before."""
    return prices.get((operation, provider, model), prices.get((operation, provider, "*")))
