"""Commands on the audit log: check it, and write down where it ends."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.context import CommandFailed, settings_with_database, transaction

if TYPE_CHECKING:
    from app.accounts.audit.verify import Report


def verify_audit(
    against: Annotated[
        Path | None, typer.Option(help="A file `backlot audit ends` wrote: what it names must still be there.")
    ] = None,
) -> None:
    """Check that no entry of the audit log was changed or removed; exit 1 naming each breach."""
    pinned = _pinned(against) if against else []
    settings = settings_with_database()

    async def verify() -> "Report":
        from app.accounts.audit import verify as audit_verify

        async with transaction(settings) as session:
            return await audit_verify.verify(session, pinned=pinned)

    from app.accounts.audit.queries import CHECKS
    from app.accounts.audit.verify import PINNED

    report = asyncio.run(verify())
    for check in (*CHECKS, *([PINNED] if against else [])):
        found = [str(breach) for breach in report.breaches if breach.check == check]
        print(f"{check} OK" if not found else f"{check} BREACH\n" + "\n".join(f"   {detail}" for detail in found))
    print(f"{report.entries} entries of {report.chains} chains; the details of {report.erased} were erased.")
    if report.breaches:
        raise typer.Exit(1)


def list_ends() -> None:
    """Print the newest entry of each chain as JSON, to be kept elsewhere: `verify --against` it later."""
    settings = settings_with_database()

    async def read() -> list[dict[str, Any]]:
        from app.accounts.audit import verify as audit_verify

        async with transaction(settings) as session:
            return await audit_verify.list_ends(session)

    print(json.dumps(asyncio.run(read())))


def _pinned(file: Path) -> list[dict[str, Any]]:
    try:
        ends = json.loads(file.read_text())
        return [{"chain": str(UUID(end["chain"])), "number": int(end["number"]), "hash": end["hash"]} for end in ends]
    except OSError as fault:
        raise CommandFailed(f"cannot read {file}: {fault.strerror}") from fault
    except (ValueError, TypeError, KeyError) as fault:
        raise CommandFailed(f"{file} is not what `backlot audit ends` prints") from fault
