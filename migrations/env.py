"""How Alembic reaches the database: one upgrade at a time, and none that blocks a running service for long."""

import asyncio
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import context
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import app
from app.core.db import Base
from app.core.settings import get_settings

# Held by whoever migrates this database; the number only has to be ours.
ADVISORY_LOCK = 0x6261636B6C6F74
LOCK_WAIT_SECONDS = 600
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"


def _all_tables() -> None:
    for module in ("idempotency", "throttle"):
        import_module(f"app.core.{module}")
    for path in sorted(Path(app.__path__[0]).rglob("models.py")):
        import_module(".".join(path.relative_to(Path(app.__path__[0]).parent).with_suffix("").parts))


async def _wait_for_turn(connection: AsyncConnection) -> None:
    # Asked again and again rather than waited for inside PostgreSQL: a waiting statement holds a snapshot,
    # and CREATE INDEX CONCURRENTLY of the one at work would wait for us in turn.
    async with asyncio.timeout(LOCK_WAIT_SECONDS):
        while not await connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}):
            await connection.commit()
            await asyncio.sleep(0.2)
    await connection.commit()


def _is_compared(found: Any, name: str | None, kind: str, *_: object) -> bool:
    """Partitions follow from their table. Defaults are computed to be compared: a sequence differs from itself."""
    if kind == "column":
        return (found.table.name, name) != ("events", "position")
    return kind != "table" or re.search(r"_(until_\d{8}|rest)$", name or "") is None


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        include_object=_is_compared,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _online() -> None:
    url = context.config.attributes.get("database_url") or get_settings().database.async_url
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await _wait_for_turn(connection)
        await connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
        await connection.execute(text(f"set statement_timeout = '{STATEMENT_TIMEOUT}'"))
        await connection.commit()
        await connection.run_sync(_migrate)
    await engine.dispose()


_all_tables()
if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(_online())
