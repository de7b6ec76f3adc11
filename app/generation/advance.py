"""The worker's side of a task: whoever has claimed it does what is due, and lets go of it.

Every write carries the fence of our claim, so a worker that lost its lease changes nothing. No transaction is open
while a provider or the storage works. If the process dies on any line, the lease runs out, another worker claims the
task, and the attempt left at `submitting` tells it that a call may have been made.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog

from app.assets.outputs import Outputs
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import encode
from app.core.settings import Settings
from app.generation import jobs, queries
from app.generation.breakers import Breakers
from app.generation.files import Files
from app.generation.gates import Gates
from app.generation.history import History
from app.generation.imports import Imports
from app.generation.leases import Claim, Heart, LostLease
from app.generation.queries import Claimed
from app.generation.recording import Recorder
from app.generation.run import Run
from app.generation.turns import Turns
from app.providers.base import ProviderError
from app.providers.catalog import Catalog

log = structlog.get_logger()
PLACE_SECONDS = 60.0
"""A place at a provider is kept so much longer than a call may take: above the time between two polls."""


@dataclass(frozen=True)
class Engine:
    """What a worker works with; one per process."""

    settings: Settings
    database: Database
    catalog: Catalog
    assets: AssetTools
    heart: Heart = field(init=False)
    recorder: Recorder = field(init=False)
    files: Files = field(init=False)
    imports: Imports = field(init=False)
    history: History = field(init=False)
    gates: Gates = field(init=False)

    def __post_init__(self) -> None:
        outputs = Outputs(self.assets, self.database)
        for name, made in {
            "heart": Heart(self.database, self.lease),
            "recorder": Recorder(self.database),
            "files": Files(self.settings, self.assets.egress, outputs),
            "imports": Imports(self.assets, self.database),
            "history": History(self.database),
            "gates": self._gates(),
        }.items():
            object.__setattr__(self, name, made)

    def _gates(self) -> Gates:
        redis, call_seconds = self.database.redis, self.settings.tasks.provider_call_seconds
        return Gates(self.catalog, Breakers(redis, self.settings), Turns(redis, call_seconds + PLACE_SECONDS))

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.settings.tasks.lease_seconds)

    @property
    def deadline(self) -> timedelta:
        return timedelta(seconds=self.settings.tasks.image_deadline_seconds)


async def advance_task(engine: Engine, task_id: UUID) -> None:
    """Do what is due for this one task, if anything is. Twice, too late, or after a crash, it does no harm."""
    for claimed in await queries.claim(engine.database, only=task_id, lease=engine.lease, deadline=engine.deadline):
        await work_on(engine, claimed)


async def work_on(engine: Engine, claimed: Claimed) -> None:
    """Do what is due for a claimed task. Stopped in the middle, it lets another worker have the task at once."""
    claim = Claim(claimed.task.id, claimed.task.fence, claimed.asked_at + engine.lease.total_seconds())
    with structlog.contextvars.bound_contextvars(task_id=encode("task", claim.task_id)):
        run = Run(
            claimed,
            claim,
            settings=engine.settings,
            database=engine.database,
            catalog=engine.catalog,
            recorder=engine.recorder,
            files=engine.files,
            imports=engine.imports,
            history=engine.history,
            gates=engine.gates,
        )
        try:
            await engine.heart.keep(claim, run.to_the_end())
        except LostLease:
            log.info("lease_lost", fence=claim.fence)
        except asyncio.CancelledError:
            await asyncio.shield(_hand_over(engine, claim))
            raise


async def _hand_over(engine: Engine, claim: Claim) -> None:
    in_house = [name for name, provider in engine.catalog.providers.items() if provider.is_repeatable]
    lane = await queries.hand_over(engine.database, claim.task_id, claim.fence, in_house)
    if lane is not None:
        engine.database.ringer.ring(jobs.WORK, lane)


async def cancel_at_provider(engine: Engine, attempt_id: UUID) -> None:
    """Ask the provider to stop a canceled job. Failing is no harm: its result is not waited for."""
    async with engine.database.transaction() as session:
        attempt = await queries.find_attempt(session, attempt_id)
    if attempt is None or attempt.provider_reference is None:
        return
    provider = engine.catalog.providers.get(attempt.provider)
    if provider is not None:
        try:
            await provider.cancel(attempt.provider_reference)
        except ProviderError as fault:
            log.info("cancel_refused", provider=attempt.provider, error=fault.message)
