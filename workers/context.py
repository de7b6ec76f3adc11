"""What a worker process holds while it lives."""

import asyncio
from typing import Any

import structlog

from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.settings import get_settings
from app.core.telemetry import configure_logs
from app.generation.advance import Engine
from app.providers.catalog import Catalog

log = structlog.get_logger()
Context = dict[str, Any]
IN_HOUSE = "local"
"""The provider whose work is done by processes of ours, a few at once."""


async def open_engine(context: Context) -> None:
    """arq's start-up hook."""
    settings = get_settings()
    configure_logs(settings)
    redis = queue.connect(settings)
    # One more than there are processes, so that one task reads and stores its files while another is worked on.
    at_once = {IN_HOUSE: settings.worker.image_processes + 1}
    context["wake_ups"] = redis
    context["engine"] = Engine(
        settings=settings,
        database=Database(settings, redis),
        catalog=Catalog.load(settings),
        assets=await AssetTools.open(settings),
        turns={provider: asyncio.Semaphore(limit) for provider, limit in at_once.items()},
    )
    log.info("worker_started")


async def close_engine(context: Context) -> None:
    """arq's shutdown hook."""
    engine: Engine = context["engine"]
    await engine.catalog.close()
    await engine.assets.close()
    await engine.database.close()
    await context["wake_ups"].aclose(close_connection_pool=True)
    log.info("worker_stopped")
