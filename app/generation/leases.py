"""Keeping claimed tasks: one heartbeat per process extends all leases, and notices what was taken away."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from app.core.db import UNREACHABLE, Database
from app.generation import queries
from app.providers.base import NotSent

log = structlog.get_logger()
HEARTBEAT_SECONDS = 1.0


class LostLease(Exception):
    """The task was canceled, ended, or claimed by another: what we have is not wanted."""


@dataclass(eq=False, slots=True)
class Claim:
    """A task in our hands, while its fence is ours."""

    task_id: UUID
    fence: int
    kept_until: float
    """By our event loop's clock: nobody else can have claimed the task before."""
    is_lost: bool = False
    has_result: bool = False
    """What was paid for is not dropped for a lost lease: recording it finds out whether it is still wanted."""

    def about_to_send(self) -> None:
        """Raises NotSent when another may have claimed the task, asked the provider, heard of no call, and made one.

        So it may be when the process was stopped for longer than the lease, or the database was away.
        """
        if self.kept_until <= asyncio.get_running_loop().time():
            raise NotSent


class Heart:
    """The heartbeat of a process; it beats while something is held."""

    def __init__(self, database: Database, lease: timedelta) -> None:
        self._database = database
        self._lease = lease
        self._held: dict[Claim, asyncio.Task[object]] = {}
        self._beating: asyncio.Task[None] | None = None

    async def keep(self, claim: Claim, work: Awaitable[None]) -> None:
        """Do the work while the lease is kept. Raises LostLease when the claim was taken away meanwhile."""
        worker = asyncio.current_task()
        assert worker is not None
        self._held[claim] = worker
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat(), name="heartbeat")
        try:
            await work
            if claim.is_lost:  # and the work ended before it heard of that
                worker.uncancel()
        except asyncio.CancelledError:
            if not claim.is_lost or worker.uncancel():
                raise
            raise LostLease from None
        finally:
            del self._held[claim]

    async def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])

    async def _beat(self) -> None:
        while self._held:
            await asyncio.sleep(min(HEARTBEAT_SECONDS, self._lease.total_seconds() / 3))
            asked, asked_at = [(claim, claim.fence) for claim in self._held], asyncio.get_running_loop().time()
            if not asked:
                return
            try:
                async with asyncio.timeout(self._lease.total_seconds()):
                    kept = await queries.extend_leases(
                        self._database, [(claim.task_id, fence) for claim, fence in asked], self._lease
                    )
            except UNREACHABLE as fault:
                log.warning("heartbeat_failed", error=repr(fault))
                continue
            for claim, fence in asked:
                if claim.task_id in kept:
                    claim.kept_until = max(claim.kept_until, asked_at + self._lease.total_seconds())
                elif claim.fence == fence:
                    self._lose(claim)

    def _lose(self, claim: Claim) -> None:
        worker = self._held.get(claim)
        if worker is not None and not claim.is_lost and not claim.has_result:
            claim.is_lost = True
            worker.cancel()
