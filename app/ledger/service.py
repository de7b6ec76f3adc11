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
from app.ledger.models import Book, CreditAccount, CreditHold, CreditTransfer, HoldStatus, TransferKind


class HoldMissing(Exception):
    """The task has no open hold: its money was settled before. The caller's transaction must not commit."""


async def open_account(session: AsyncSession, settings: Settings, *, workspace_id: UUID, mode: str) -> None:
    """Make the account with its first grant, where it is not there yet: accounts open when first looked at."""
    if not await queries.add_account(session, workspace_id=workspace_id, mode=mode):
        return
    welcome = settings.ledger.signup_credits if mode == "live" else settings.ledger.test_credits
    if welcome:
        await grant(
            session,
            from_credits(welcome),
            workspace_id=workspace_id,
            mode=mode,
            reason="Welcome credits" if mode == "live" else "Test credits",
            reference=f"signup:{workspace_id}:{mode}",
        )


async def get_account(session: AsyncSession, settings: Settings, *, workspace_id: UUID, mode: str) -> CreditAccount:
    account = await queries.find_account(session, workspace_id=workspace_id, mode=mode)
    if account is None:
        await open_account(session, settings, workspace_id=workspace_id, mode=mode)
        account = await queries.find_account(session, workspace_id=workspace_id, mode=mode)
    if account is None:
        raise LookupError("a credit account vanished while being made")
    return account


async def grant(
    session: AsyncSession, amount: int, *, workspace_id: UUID, mode: str, reason: str, reference: str
) -> None:
    """Give credits for nothing. The same `reference` twice is refused by the database."""
    account = await queries.change_account(
        session, workspace_id=workspace_id, mode=mode, balance=amount, earned=amount, entries=1
    )
    posted = account.balance + account.held
    session.add(
        CreditTransfer(
            workspace_id=workspace_id,
            mode=mode,
            entry=account.entries,
            kind=TransferKind.GRANT,
            debit=Book.PROMOTIONS,
            credit=Book.CUSTOMER,
            amount=amount,
            balance_before=posted - amount,
            balance_after=posted,
            reason=reason,
            reference=reference,
        )
    )
    await session.flush()


async def hold(
    session: AsyncSession, settings: Settings, amount: int, *, workspace_id: UUID, mode: str, task_id: UUID
) -> int:
    """Set `amount` aside for a task; the balance left. Raises InsufficientCredits with price and balance."""
    left = await queries.take(session, amount, workspace_id=workspace_id, mode=mode)
    if left is None:
        account = await get_account(session, settings, workspace_id=workspace_id, mode=mode)
        left = await queries.take(session, amount, workspace_id=workspace_id, mode=mode)
        if left is None:
            price, balance = to_number(amount), to_number(account.balance)
            raise InsufficientCredits(
                f"This costs {price} credits and the balance is {balance}.", price=price, balance=balance
            )
    session.add(CreditHold(workspace_id=workspace_id, mode=mode, task_id=task_id, amount=amount))
    await session.flush()
    return left


async def capture(session: AsyncSession, task_id: UUID, amount: int, *, reason: str) -> int:
    """Take `amount` of what is held for the task and give the rest back; the balance then.

    Raises HoldMissing when it was settled before.
    """
    if amount == 0:
        return await release(session, task_id)
    held = await queries.resolve_hold(session, task_id, captured=amount, status=HoldStatus.CAPTURED, now=clock.now())
    if held is None:
        raise HoldMissing(task_id)
    account = await queries.change_account(
        session,
        workspace_id=held.workspace_id,
        mode=held.mode,
        held=-held.amount,
        balance=held.amount - amount,
        spent=amount,
        entries=1,
    )
    posted = account.balance + account.held
    session.add(
        CreditTransfer(
            workspace_id=held.workspace_id,
            mode=held.mode,
            entry=account.entries,
            kind=TransferKind.CAPTURE,
            debit=Book.CUSTOMER,
            credit=Book.USAGE,
            amount=amount,
            balance_before=posted + amount,
            balance_after=posted,
            reason=reason,
            task_id=task_id,
            reference=str(held.id),
        )
    )
    await session.flush()
    return account.balance


async def release(session: AsyncSession, task_id: UUID) -> int:
    """Give back all that is held for the task; the balance then. Raises HoldMissing when settled before."""
    held = await queries.resolve_hold(session, task_id, captured=0, status=HoldStatus.RELEASED, now=clock.now())
    if held is None:
        raise HoldMissing(task_id)
    account = await queries.change_account(
        session, workspace_id=held.workspace_id, mode=held.mode, held=-held.amount, balance=held.amount
    )
    return account.balance


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
