"""Workers pull: a process claims as many tasks of a lane as it has room for, when a bell rings or something is due."""

import asyncio
import contextlib
from collections.abc import Collection

import structlog
from arq.connections import ArqRedis

from app.core.bells import Bell, BellTower
from app.core.db import UNREACHABLE
from app.generation import advance, jobs, queries
from app.generation.advance import Engine
from app.generation.queries import Claimed
from app.providers.base import REMOTE

log = structlog.get_logger()
LOOK_SECONDS = 1.0
"""A lost bell costs at most this."""
SOON_SECONDS = 0.05
PAUSE_SECONDS = 0.5
STOP_SECONDS = 10.0


class Puller:
    """One per generation worker: `start()`, and `await stop()` before the engine is closed.

    A lane is a capacity of its own: work on our own processors never waits behind calls to others, nor they for it.
    """

    def __init__(self, engine: Engine, redis: ArqRedis) -> None:
        self._engine = engine
        self._tower = BellTower(redis, jobs.WORK)
        self._pulling: list[asyncio.Task[None]] = []
        self._working: dict[str, set[asyncio.Task[None]]] = {}

    def start(self) -> None:
        self._tower.start()
        for lane in sorted({provider.lane for provider in self._engine.catalog.providers.values()}):
            self._working[lane] = set()
            self._pulling.append(asyncio.create_task(self._pull(lane), name=f"pull {lane}"))

    async def stop(self) -> None:
        """Claim nothing more; what is not done in a few seconds is handed over to other workers."""
        await _end(self._pulling)
        await self._tower.close()
        if working := [task for tasks in self._working.values() for task in tasks]:
            _, left = await asyncio.wait(working, timeout=STOP_SECONDS)
            await _end(left)
        with contextlib.suppress(*UNREACHABLE):
            await self._engine.history.flush(at_once=True)

    def _capacity(self, lane: str) -> int:
        worker = self._engine.settings.worker
        # In house one more than there are processes: it reads and stores its files while another is worked on.
        return worker.concurrency if lane == REMOTE else worker.image_processes + 1

    async def _pull(self, lane: str) -> None:
        working, capacity, odd = self._working[lane], self._capacity(lane), 0
        with self._tower.bell(lane) as bell:
            while True:
                seconds = LOOK_SECONDS
                try:
                    if free := capacity - len(working):
                        odd = 1 - odd  # with one place free, what is due and what is new take turns
                        claimed = await queries.claim(
                            self._engine.database,
                            lane=lane,
                            limit=free,
                            due=(free + odd) // 2,
                            lease=self._engine.lease,
                            deadline=self._engine.deadline,
                        )
                        for one in claimed:
                            self._start(one, working, bell)
                        if len(claimed) < free:
                            seconds = SOON_SECONDS if claimed else await self._seconds_to_next(lane)
                    await self._engine.history.flush()
                except UNREACHABLE as fault:
                    log.warning("claims_failed", lane=lane, error=repr(fault))
                    seconds = 0
                except Exception:  # a worker that is alive and claims nothing would be missed by nobody
                    log.exception("claims_crashed", lane=lane)
                    seconds = 0
                await (bell.wait(seconds) if seconds else asyncio.sleep(PAUSE_SECONDS))

    async def _seconds_to_next(self, lane: str) -> float:
        seconds = await queries.find_seconds_to_next(self._engine.database, lane)
        return LOOK_SECONDS if seconds is None else min(max(seconds, SOON_SECONDS), LOOK_SECONDS)

    def _start(self, claimed: Claimed, working: set[asyncio.Task[None]], bell: Bell) -> None:
        def done(task: asyncio.Task[None]) -> None:
            working.discard(task)
            bell.ring()

        task = asyncio.create_task(self._work(claimed))
        working.add(task)
        task.add_done_callback(done)

    async def _work(self, claimed: Claimed) -> None:
        try:
            await advance.work_on(self._engine, claimed)
        except UNREACHABLE as fault:
            log.warning("work_broke_off", task_id=str(claimed.task.id), error=repr(fault))
        except Exception:
            log.exception("work_crashed", task_id=str(claimed.task.id))


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
