"""What a worker process holds while it lives."""

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


async def open_engine(context: Context) -> None:
    """arq's start-up hook."""
    settings = get_settings()
    configure_logs(settings)
    redis = queue.connect(settings)
    context["wake_ups"] = redis
    context["engine"] = Engine(
        settings=settings,
        database=Database(settings, redis),
        catalog=Catalog.load(settings),
        assets=await AssetTools.open(settings),
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
