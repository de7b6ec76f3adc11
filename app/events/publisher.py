"""Publishing: events that are committed are put in the one order that streams, lists and webhooks read.

Each worker process has a publisher, and one at a time does the work: whoever did it last goes at once, the others look
a moment later whether there is something left. So the death of one delays events by a moment, and loses none.
"""

import asyncio

import structlog
from arq.connections import ArqRedis

from app.core.bells import Listener
from app.core.db import UNREACHABLE, Database
from app.events import queries
from app.events.service import CHANNEL, FEED

log = structlog.get_logger()
AT_ONCE = 1000
LOOK_SECONDS = 0.5
"""News may be lost with Redis: it is looked for so often anyway."""
ASIDE_SECONDS = 0.1
"""How much later those look who did not publish last."""
STOP_SECONDS = 5.0


class Publisher:
    """One per worker process: `start()`, and `await stop()` before the database is closed."""

    def __init__(self, database: Database, redis: ArqRedis) -> None:
        self._database = database
        self._news = asyncio.Event()
        self._listener = Listener(redis, CHANNEL, heard=lambda _: self._news.set(), joined=self._news.set)
        self._publishing: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._leads = False

    def start(self) -> None:
        self._listener.start()
        self._publishing = asyncio.create_task(self._keep_publishing(), name="publish events")

    async def stop(self) -> None:
        """What is under way is done first."""
        self._is_stopping = True
        self._news.set()
        if self._publishing is not None:
            await asyncio.wait([self._publishing], timeout=STOP_SECONDS)
            self._publishing.cancel()
        await self._listener.close()

    async def publish(self) -> int:
        """All that is committed and not published; how many. None of it when somebody else is at it."""
        found = 0
        while True:
            row = await self._database.fetchrow(queries.PUBLISH, AT_ONCE)
            assert row is not None
            if row["published"] is None:
                self._leads = False
                return found
            if row["published"]:
                self._leads = True
                found += row["published"]
                self._database.ringer.ring(FEED, *row["whose"])
            if row["published"] < AT_ONCE:
                return found

    async def _keep_publishing(self) -> None:
        while not self._is_stopping:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                pass
            if not self._leads:
                await asyncio.sleep(ASIDE_SECONDS)
            self._news.clear()
            try:
                await self.publish()
            except UNREACHABLE as fault:
                log.warning("events_not_published", error=repr(fault))
                await asyncio.sleep(LOOK_SECONDS)
            except Exception:  # a worker that is alive and publishes nothing would be missed by nobody
                log.exception("events_not_published")
                await asyncio.sleep(LOOK_SECONDS)
