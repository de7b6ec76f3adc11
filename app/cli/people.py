"""Commands on people: who administers the installation, who is shut out, and who is let in again."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from app.cli.context import CommandFailed, settings_with_database, transaction

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
Email = Annotated[str, typer.Option(help="The user's address.")]


def add_admin(email: Email) -> None:
    """Make a user an admin; made if absent."""
    from app.admin import service

    settings = settings_with_database()

    async def add() -> tuple[str, bool]:
        async with transaction(settings) as session:
            user, has_password = await service.add_admin(session, email)
            return user.email, has_password

    address, has_password = _run(add())
    print(f"{address} is an admin.")
    if not has_password:
        print("They have no password: let them ask for one with `forgot-password`, or sign in with Google or GitHub.")


def remove_admin(email: Email) -> None:
    """Make an admin a user like others. The last one too: nobody but you makes another."""
    from app.admin import service

    settings = settings_with_database()

    async def remove() -> bool:
        async with transaction(settings) as session:
            return await service.remove_admin(session, email)

    print(f"{email} is no admin any more." if _run(remove()) else f"{email} was no admin.")


def list_admins() -> None:
    """List the admins: address, status, since when the account exists."""
    from app.admin import queries

    settings = settings_with_database()

    async def read() -> list[tuple[str, str, str]]:
        async with transaction(settings) as session:
            admins = await queries.list_admins(session)
            return [(user.email, user.status, f"{user.created_at:%Y-%m-%d}") for user in admins]

    for address, status, since in _run(read()):
        print(f"{address}  {status}  {since}")


def suspend_user(email: Email, reason: Annotated[str, typer.Option(help="Kept in the audit log.")]) -> None:
    """Shut a user out: sessions and API keys stop within seconds."""
    from app.accounts.audit.service import OPERATOR
    from app.admin import service

    settings = settings_with_database()

    async def suspend() -> None:
        async with transaction(settings) as session:
            await service.suspend(session, await _id_of(session, email), OPERATOR, reason=reason)

    _run(suspend())
    print(f"{email} is suspended.")


def reinstate_user(email: Email) -> None:
    """Let a suspended user in again."""
    from app.accounts.audit.service import OPERATOR
    from app.admin import service

    settings = settings_with_database()

    async def reinstate() -> None:
        async with transaction(settings) as session:
            await service.reinstate(session, await _id_of(session, email), OPERATOR)

    _run(reinstate())
    print(f"{email} is let in again.")


def _run(work: Coroutine[Any, Any, T]) -> T:
    from app.core.problems import Problem

    try:
        return asyncio.run(work)
    except Problem as fault:
        raise CommandFailed(fault.detail) from fault


async def _id_of(session: "AsyncSession", email: str) -> "UUID":
    from app.accounts.users import queries

    user = await queries.find_user(session, email)
    if user is None:
        raise CommandFailed(f"There is no user with the address {email}.")
    return user.id
