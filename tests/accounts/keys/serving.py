"""A further API process, as far as its memory goes: an application of its own on a port of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from app.core.http import Http
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import free_port


@asynccontextmanager
async def serve(settings: Settings, *, redis: str | None = None, **api: Any) -> AsyncIterator[Settings]:
    """The settings it has; `api` are settings of that group."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    changed: dict[str, Any] = {"api": settings.api.model_copy(update={"port": port, "public_url": url, **api})}
    if redis is not None:
        changed["redis"] = type(settings.redis)(url=redis)
    settings = settings.model_copy(update=changed)
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings), port=port, http=Http, log_config=None, lifespan="on", proxy_headers=False)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), serving.exception()
        await asyncio.sleep(0.01)
    try:
        yield settings
    finally:
        server.should_exit = True
        await serving
