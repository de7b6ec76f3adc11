"""The API in this process, with settings of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.core.settings import Settings
from app.main import create_app


@asynccontextmanager
async def running(settings: Settings, key: str = "") -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers, timeout=20) as caller,
    ):
        yield caller
