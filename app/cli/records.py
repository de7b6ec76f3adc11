"""Commands on what is kept: the schema, the developer's keys, the ledger."""

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

import typer

from app.cli.context import opened, plain_url, settings_with_database, transaction

if TYPE_CHECKING:
    from app.core.settings import Settings

DEVELOPER = "dev@example.com"
DATABASE_WAIT_SECONDS = 30.0


def migrate() -> None:
    """Bring the database to the newest schema. Any number may run at once."""
    _migrate(settings_with_database())
    print("The database is up to date.", file=sys.stderr)


def prepare() -> None:
    """Migrate, and print the developer's two keys as JSON; for the supervisor."""
    from app.embedded import datadir

    settings = settings_with_database()
    _migrate(settings)
    file = settings.data / "keys.json"
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    keys = asyncio.run(_developer_keys(settings, known))
    if keys != known:
        datadir.write_private(file, json.dumps(keys))
    print(json.dumps(keys))


def verify_ledger() -> None:
    """Check the invariants I1 to I11 over the whole database; exit 1 naming each breach."""
    settings = settings_with_database()

    async def verify() -> bool:
        from app.ledger import verify as ledger_verify
        from app.ledger.queries import INVARIANTS

        async with transaction(settings) as session:
            breaches = await ledger_verify.verify(session)
        for name in INVARIANTS:
            found = [breach.detail for breach in breaches if breach.invariant == name]
            print(f"{name} OK" if not found else f"{name} BREACH\n" + "\n".join(f"   {detail}" for detail in found))
        return not breaches

    if not asyncio.run(verify()):
        raise typer.Exit(1)


def _migrate(settings: "Settings") -> None:
    from alembic import command
    from alembic.config import Config

    asyncio.run(_wait_for_database(settings))
    config = Config()
    migrations = Path(__file__).parents[2] / "migrations"
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


async def _wait_for_database(settings: "Settings") -> None:
    """Until it answers. Raises what the driver raises when it refuses us, or stays silent for too long."""
    import asyncpg

    url = plain_url(settings)
    until = monotonic() + DATABASE_WAIT_SECONDS
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except PermissionError:  # of a file in ~/.postgresql
            raise
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError):
            if monotonic() > until:
                raise
            await asyncio.sleep(0.2)
        else:
            await connection.close()
            return


async def _developer_keys(settings: "Settings", known: dict[str, str]) -> dict[str, str]:
    """The known keys where they still open something, else new ones."""
    from app.accounts.keys import service
    from app.core.problems import Problem

    modes: dict[str, Literal["live", "test"]] = {"api_key": "live", "test_api_key": "test"}
    keys = {}
    async with opened(settings) as database:
        for field, mode in modes.items():
            try:
                await service.authenticate(database, known.get(field, ""))
                keys[field] = known[field]
                continue
            except Problem:
                pass
            async with database.transaction() as session:
                _, keys[field] = await service.issue_key(session, email=DEVELOPER, mode=mode, name="backlot dev")
    return keys
