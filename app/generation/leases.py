"""Keeping a claimed task: a heartbeat extends the lease, and notices when the task was taken away."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import Database
from app.generation import queries
from app.generation.models import Task

log = structlog.get_logger()
HEARTBEAT_SECONDS = 1.0


class LostLease(Exception):
    """The task was canceled, ended, or claimed by another: what we have is not wanted."""


async def keep(
    database: Database,
    task: Task,
    lease: timedelta,
    work: Awaitable[None],
    hand_over: Callable[[], Awaitable[None]],
) -> None:
    """Do the work while a heartbeat keeps the lease. Raises LostLease; hands over when we are stopped ourselves."""
    job = asyncio.ensure_future(work)
    is_lost = False

    async def beat() -> None:
        nonlocal is_lost
        while True:
            await asyncio.sleep(min(HEARTBEAT_SECONDS, lease.total_seconds() / 3))
            try:
                async with database.transaction() as session:
                    is_lost = not await queries.extend_lease(session, task.id, task.fence, lease)
            except (SQLAlchemyError, OSError) as fault:
                log.warning("heartbeat_failed", error=repr(fault))
            if is_lost:
                job.cancel()
                return

    heart = asyncio.create_task(beat())
    try:
        await job
    except asyncio.CancelledError:
        if is_lost:
            raise LostLease from None
        await asyncio.wait([job])
        await asyncio.shield(hand_over())
        raise
    finally:
        heart.cancel()
