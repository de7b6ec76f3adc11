"""Waiting for what another connection does to the database."""

import asyncio

from app.core.db import Database


async def until_somebody_waits(database: Database, *, statement: str = "") -> None:
    """For a lock of this database's; `statement`: a part of what they wait with."""
    waiting = (
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and position($1 in query) > 0"
    )
    async with asyncio.timeout(10):
        while not await database.fetch(waiting, statement):
            await asyncio.sleep(0.01)
