"""Waiting for what another connection, or another task, does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from app.core.db import Database


async def until_somebody_waits(
    database: Database, *, number: int = 1, statement: str = "", unless: asyncio.Task[Any] | None = None
) -> None:
    """For a lock of this database's, or so many; `statement`: a part of what they wait with.

    `unless`: or until that has ended, which did not have to wait.
    """
    waiting = (
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and position($1 in query) > 0"
    )
    async with asyncio.timeout(10):
        while len(await database.fetch(waiting, statement)) < number and not (unless and unless.done()):
            await asyncio.sleep(0.01)


async def eventually(holds: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> None:
    """Until it holds."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)
