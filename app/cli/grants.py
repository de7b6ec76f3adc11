"""Commands on customers' credits: give them, give them back."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.context import CommandFailed, settings_with_database, transaction

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession


def grant(
    email: Annotated[str, typer.Option(help="Whose personal workspace gets them.")],
    amount: Annotated[str, typer.Option("--credits", help="How many; fractions down to 0.000001.")],
    test: Annotated[bool, typer.Option("--test", help="Test credits.")] = False,
    expires: Annotated[
        str | None, typer.Option(help="The last day (UTC) as 2027-01-31, or a time from now as 30d.  [default: never]")
    ] = None,
    priority: Annotated[int, typer.Option(min=-1000, max=1000, help="The lowest is used up first.")] = 0,
    reason: Annotated[str, typer.Option(help="What the customer reads.")] = "Granted",
    reference: Annotated[
        str | None, typer.Option(help="The same one again gives nothing.  [default: a new one]")
    ] = None,
) -> None:
    """Give a customer credits."""
    from app.core.amounts import to_text
    from app.core.ids import new_id
    from app.ledger import service
    from app.ledger.errors import ReferenceTaken

    micro = _amount(amount)
    expires_at = moment_given(expires, datetime.now(UTC)) if expires else None
    settings = settings_with_database()
    mode = "test" if test else "live"

    async def give() -> tuple[bool, str]:
        async with transaction(settings) as session:
            workspace_id = await workspace_of(session, email)
            given = await service.grant(
                session,
                settings,
                micro,
                workspace_id=workspace_id,
                mode=mode,
                reason=reason,
                reference=reference or f"command-line:{new_id()}",
                priority=priority,
                expires_at=expires_at,
            )
            account = await service.get_account(session, settings, workspace_id=workspace_id, mode=mode)
            return given, to_text(account.balance)

    try:
        given, balance = asyncio.run(give())
    except ReferenceTaken as fault:
        raise CommandFailed(str(fault)) from fault
    what = f"{to_text(micro)} {mode} credits" if given else "nothing: this reference was granted before"
    print(f"Gave {email} {what}. The balance is {balance}.")


def refund(
    task_id: Annotated[str, typer.Argument(help="task_…")],
    amount: Annotated[str | None, typer.Option("--credits", help="How many.  [default: all it was charged]")] = None,
    reason: Annotated[str, typer.Option(help="What the customer reads.")] = "Refund",
    reference: Annotated[
        str | None, typer.Option(help="The same one again gives nothing.  [default: a new one]")
    ] = None,
) -> None:
    """Give back what a task was charged, to the grants it came from."""
    from app.core.amounts import to_text
    from app.core.ids import decode, new_id
    from app.ledger import service
    from app.ledger.errors import NotRefundable, ReferenceTaken

    micro = _amount(amount) if amount else None
    try:
        task = decode("task", task_id)
    except ValueError as fault:
        raise CommandFailed(f"{task_id!r} is {fault}") from fault
    settings = settings_with_database()

    async def give_back() -> int:
        async with transaction(settings) as session:
            return await service.refund(
                session, task, micro, reason=reason, reference=reference or f"command-line:{new_id()}"
            )

    try:
        balance = asyncio.run(give_back())
    except (NotRefundable, ReferenceTaken) as fault:
        raise CommandFailed(str(fault)) from fault
    print(f"Refunded. The balance is {to_text(balance)}.")


async def workspace_of(session: "AsyncSession", email: str) -> "UUID":
    from app.accounts.users import queries

    user = await queries.find_user(session, email)
    if user is None:
        raise CommandFailed(f"there is no user with the address {email}")
    return (await queries.get_personal_workspace(session, user.id)).id


def _amount(text: str) -> int:
    from app.core.amounts import from_text

    try:
        return from_text(text)
    except ValueError as fault:
        raise CommandFailed(str(fault)) from fault


def moment_given(text: str, now: datetime) -> datetime:
    """`30d` is that long from now; a date is the end of that day."""
    if days := re.fullmatch(r"(\d{1,5})d", text, re.ASCII):
        return now + timedelta(days=int(days[1]))
    try:
        end = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError) as fault:
        raise CommandFailed(f"{text!r} is no time to expire: write 2027-01-31 or 30d") from fault
    if end <= now:
        raise CommandFailed(f"{text} is over: credits expire in the future")
    return end
