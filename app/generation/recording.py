"""Writing down what happens to tasks: many in one statement, and again until the database has heard it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.db import Database
from app.core.lane import Lane
from app.core.problems import DependencyDown
from app.events.service import CHANNEL as EVENTS
from app.generation import queries
from app.generation.jobs import WORK

log = structlog.get_logger()
PAUSE_SECONDS = 1.0

PASSING = (
    DependencyDown,
    OSError,
    DBAPIError,
    PoolTimeout,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
"""How the database and the storage fail while they restart or are overloaded: worth another try."""

T = TypeVar("T")
Item = Mapping[str, Any]
Write = Callable[[Database, Sequence[Item]], Awaitable[set[UUID]]]


class Recorder:
    """One per process. What is committed is told: events to those who wait, free slots and new work to workers.

    Each method answers False when the fence is not current: nothing was changed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begin = self._lane(queries.begin_attempts)
        self._wait = self._lane(queries.await_providers)
        self._finish = self._lane(queries.record_results)

    async def begin(self, item: Item) -> bool:
        """A provider is about to be called: known before the call, so that a crash can be told from nothing."""
        return await self._begin.do(item)

    async def wait(self, item: Item) -> bool:
        """The provider works on it: the task sleeps."""
        return await self._wait.do(item)

    async def finish(self, item: Item) -> bool:
        """A call has given results, which are stored."""
        return await self._finish.do(item)

    def _lane(self, write: Write) -> Lane[Item, bool]:
        async def work(items: Sequence[Item]) -> list[bool]:
            done = await write(self._database, items)
            written = [item for item in items if item["attempt_id"] in done]
            told = {
                str(item[subject])
                for item in written
                if item.get("event_id")
                for subject in ("task_id", "batch_id")
                if item.get(subject)
            }
            if told:
                self._database.ringer.ring(EVENTS, *told)
            if freed := {item["lane"] for item in written if item.get("charged") is not None}:
                self._database.ringer.ring(WORK, *freed)
            return [item["attempt_id"] in done for item in items]

        return Lane(work)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Again while the database, or the storage, is away. The caller's deadline ends the wait."""
    while True:
        try:
            return await work()
        except PASSING as fault:
            log.warning("outage_waited_for", error=repr(fault))
            await asyncio.sleep(PAUSE_SECONDS)
