"""Commands on keys: API keys, of which the operator may give and end any, and the one that signs access tokens."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import CommandFailed, issue_key, settings_with_database, transaction
from app.cli.grants import moment_given, workspace_of

if TYPE_CHECKING:
    from app.accounts.keys.schemas import ApiKeyCreate


def create_key(
    email: Annotated[str, typer.Option(help="Whose key; made with a personal workspace if absent.")],
    test: Annotated[bool, typer.Option("--test", help="A test key: sandbox provider, test credits.")] = False,
    scopes: Annotated[str | None, typer.Option(help="Comma-separated.  [default: all]")] = None,
    name: Annotated[str, typer.Option(help="To tell keys apart.")] = "command line",
    admin: Annotated[bool, typer.Option("--admin", help="Make the user an administrator.")] = False,
    expires: Annotated[
        str | None, typer.Option(help="The last day (UTC) as 2027-01-31, or a time from now as 30d.  [default: never]")
    ] = None,
    ips: Annotated[
        str | None, typer.Option(help="Addresses and networks it may be used from, comma-separated.  [default: any]")
    ] = None,
    operations: Annotated[
        str | None, typer.Option(help="Operations it may order, comma-separated.  [default: all]")
    ] = None,
    rate: Annotated[int | None, typer.Option(help="Requests in a minute.  [default: no limit]")] = None,
    budget: Annotated[
        str | None, typer.Option(help="Credits it may spend, as 25, 25/day or 25/month.  [default: no limit]")
    ] = None,
) -> None:
    """Print a new API key on stdout, once; it cannot be shown again."""
    order = _order(name, expires, ips, operations, rate, budget)
    settings = settings_with_database()

    secret = asyncio.run(
        issue_key(
            settings,
            email=email,
            mode="test" if test else "live",
            name=name,
            scopes=_words(scopes),
            is_admin=admin,
            order=order,
        )
    )
    print(f"A {'test' if test else 'live'} key for {email}. Keep it: it is not shown again.", file=sys.stderr)
    print(secret)


def _order(
    name: str, expires: str | None, ips: str | None, operations: str | None, rate: int | None, budget: str | None
) -> "ApiKeyCreate":
    """What holds the key back. Raises ValidationError or CommandFailed."""
    from app.accounts.keys.schemas import ApiKeyCreate

    given: dict[str, Any] = {
        "name": name,
        "expires_at": moment_given(expires, datetime.now(UTC)).isoformat() if expires else None,
        "allowed_ips": _words(ips),
        "allowed_operations": _words(operations),
        "rate_limit": rate,
    }
    if budget is not None:
        credits_, _, period = budget.partition("/")
        try:
            given["budget"] = {"credits": float(credits_), "period": period or "total"}
        except ValueError:
            raise CommandFailed(f"{budget!r} is no budget: write 25, 25/day or 25/month") from None
    return ApiKeyCreate.model_validate(given)


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",")]


def list_keys(email: Annotated[str, typer.Option(help="Whose personal workspace.")]) -> None:
    """Show the keys of a workspace, without their secrets."""
    settings = settings_with_database()

    async def show() -> None:
        from app.accounts.keys import service
        from app.core.ids import encode
        from app.core.wire import moment

        async with transaction(settings) as session:
            for key in await service.list_of(session, await workspace_of(session, email)):
                state = "revoked" if key.revoked_at else f"until {moment(key.expires_at)}" if key.expires_at else "open"
                spent = f"{key.budget.spent / 1e6:g} of {key.budget.credits / 1e6:g} spent" if key.budget else ""
                used = moment(key.last_used_at) or "never used"
                print("  ".join([encode("key", key.id), key.hint, state, used, key.name, spent]).rstrip())

    asyncio.run(show())


def revoke_key(key_id: Annotated[str, typer.Argument(help="key_…, as `backlot keys list` shows it.")]) -> None:
    """End an API key, at once and for good."""
    from app.core.ids import decode

    try:
        found = decode("key", key_id)
    except ValueError as fault:
        raise CommandFailed(f"{key_id!r} is {fault}") from fault
    settings = settings_with_database()

    async def revoke() -> str:
        from app.accounts.keys import service

        async with transaction(settings) as session:
            return (await service.revoke_any(session, found)).hint

    print(f"Revoked {asyncio.run(revoke())}.")


def show_pattern() -> None:
    """Print the regular expression that finds API keys, for secret scanners (docs/api-keys.md)."""
    from app.accounts.keys.secrets import SCAN_PATTERN

    print(SCAN_PATTERN)


def rotate_signing_key(
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Believe no token of the old keys any more: clients refresh theirs.")
    ] = False,
) -> None:
    """Sign access tokens with a new key. Those signed with the old one are good until they expire."""
    from app.accounts.audit.service import OPERATOR
    from app.accounts.sessions import keyring

    settings = settings_with_database()

    async def rotate() -> str | None:
        async with transaction(settings) as session:
            return await keyring.rotate(session, settings, at_once=at_once, actor=OPERATOR)

    print(f"signs now: {asyncio.run(rotate()) or 'a key that another made just now'}", file=sys.stderr)
