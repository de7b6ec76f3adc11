"""Jobs that keep the house: done by the clock, each safe to do twice."""

from datetime import timedelta

import structlog

from app.assets import service as assets
from app.core import idempotency
from app.generation import service as generation
from app.generation.advance import Engine
from workers.context import Context

log = structlog.get_logger()
GRACE = timedelta(seconds=1)
SWEEP_LIMIT = 1000
TURN_LIMIT = 20


async def sweep_tasks(context: Context) -> None:
    """Ring again for tasks whose bell was lost or whose worker died."""
    engine: Engine = context["engine"]
    async with engine.database.transaction() as session:
        limits = dict.fromkeys(engine.turns, TURN_LIMIT)
        count = await generation.ring_overdue(session, grace=GRACE, limit=SWEEP_LIMIT, limits=limits)
    if count:
        log.info("tasks_rung_again", count=count)


async def sweep_assets(context: Context) -> None:
    """Remove the files of deleted assets and of uploads that never finished."""
    engine: Engine = context["engine"]
    await assets.sweep_unfinished(engine.assets, engine.database)


async def sweep_stray_files(context: Context) -> None:
    """Remove stored files no asset knows of."""
    engine: Engine = context["engine"]
    await assets.sweep_strays(engine.assets, engine.database)


async def sweep_idempotency_keys(context: Context) -> None:
    engine: Engine = context["engine"]
    async with engine.database.transaction() as session:
        await idempotency.forget_expired(session)
