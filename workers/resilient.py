"""An arq worker that outlives its Redis."""

import asyncio

import structlog
from arq.worker import Worker
from redis.exceptions import RedisError

log = structlog.get_logger()
PAUSE_SECONDS = 0.5


class ResilientWorker(Worker):
    """arq ends the process when Redis goes away, and with it all jobs under way. This one goes on and waits."""

    async def _poll_iteration(self) -> None:
        try:
            await super()._poll_iteration()
        except (RedisError, OSError) as fault:
            log.warning("redis_unreachable", error=repr(fault))
            await asyncio.sleep(PAUSE_SECONDS)
            if not self.tasks:  # a job may have been counted and not begun
                self.job_counter = 0
                self.sem = asyncio.BoundedSemaphore(self.max_jobs + 1)
