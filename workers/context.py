"""What a worker process holds while it lives."""

import gc
from typing import Any

import structlog

from app.assets.reader import AssetReader
from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.settings import get_settings
from app.core.telemetry import configure_logs
from app.events.publisher import Publisher
from app.feed.rendering import Renderer
from app.generation.advance import Engine
from app.generation.dispatch import Puller
from app.generation.reader import TaskReader
from app.mail.sending import Postman
from app.providers.board import Board
from app.providers.catalog import Catalog
from app.webhooks.courier import Courier

log = structlog.get_logger()
Context = dict[str, Any]


async def open_engine(context: Context) -> None:
    """arq's start-up hook."""
    settings = get_settings()
    configure_logs(settings)
    redis = queue.connect(settings)
    context["wake_ups"] = redis
    context["engine"] = engine = Engine(
        settings=settings,
        database=Database(settings, redis),
        catalog=Catalog.load(settings),
        assets=await AssetTools.open(settings),
    )
    context["board"] = Board(engine.database, engine.catalog)
    await context["board"].start()
    context["publisher"] = Publisher(engine.database, redis)
    context["publisher"].start()
    # Most of the heap is here to stay: it is not scanned again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    log.info("worker_started")


async def start_pulling(context: Context) -> None:
    """The start-up hook of a worker that works on tasks."""
    await open_engine(context)
    context["puller"] = Puller(context["engine"], context["wake_ups"])
    context["puller"].start()


async def start_posting(context: Context) -> None:
    """The start-up hook of the worker that sends mails and webhooks."""
    await open_engine(context)
    engine: Engine = context["engine"]
    context["postman"] = Postman(engine.settings, engine.database, context["wake_ups"])
    context["postman"].start()
    renderer = Renderer(TaskReader(engine.database, engine.assets), AssetReader(engine.database, engine.assets))
    context["courier"] = Courier(engine.settings, engine.database, context["wake_ups"], renderer)
    context["courier"].start()


async def close_engine(context: Context) -> None:
    """arq's shutdown hook."""
    engine: Engine = context["engine"]
    if "puller" in context:
        await context["puller"].stop()
    for name in ("postman", "courier"):
        if name in context:
            await context[name].stop()
    await context["publisher"].stop()
    await context["board"].close()
    await engine.heart.close()
    await engine.catalog.close()
    await engine.assets.close()
    await engine.database.close()
    await context["wake_ups"].aclose(close_connection_pool=True)
    log.info("worker_stopped")
