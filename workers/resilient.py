"""An arq worker that outlives its Redis, and whose queue holds only what waits."""

import asyncio
from typing import Any

import structlog
from arq.worker import Worker
from redis.exceptions import RedisError

log = structlog.get_logger()
PAUSE_SECONDS = 0.5
PICK_UP_SECONDS = 10


class ResilientWorker(Worker):
    """arq ends the process when Redis goes away, and with it all jobs under way. This one goes on and waits.

    arq also leaves a job in the queue until it is done, and never reads beyond the first few hundred: those under way,
    or left by workers that died, would hide the rest. Ours are bells: who picks one up takes it down.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.in_progress_timeout_s = PICK_UP_SECONDS

    async def run_job(self, job_id: str, score: int) -> None:
        try:
            await self.pool.zrem(self.queue_name, job_id)
            await super().run_job(job_id, score)
        except asyncio.CancelledError:
            log.info("stopped_before_job", job_id=job_id)  # raised, it would keep arq from closing in good order

    async def close(self) -> None:
        """arq's own ends halfway, before `on_shutdown`, when a job was stopped before it had begun."""
        try:
            await super().close()
        except asyncio.CancelledError:
            closing = asyncio.current_task()
            if not self.tasks or (closing is not None and closing.cancelling()):
                raise
            await asyncio.wait(self.tasks.values())
            self.tasks.clear()
            await super().close()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        for job_id in job_ids:
            if self.job_counter >= self.max_jobs:
                return
            try:
                await super().start_jobs([job_id])
            except (RedisError, OSError):
                self._release_sem_dec_counter_on_complete()  # it was counted, and has not begun
                raise

    async def _poll_iteration(self) -> None:
        try:
            await super()._poll_iteration()
        except (RedisError, OSError) as fault:
            log.warning("redis_unreachable", error=repr(fault))
            await asyncio.sleep(PAUSE_SECONDS)
