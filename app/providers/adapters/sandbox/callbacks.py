"""Calling back, as vendors do: best effort, from this process. What is lost with it, polling makes up for."""

import asyncio
from collections.abc import Sequence

import httpx
import structlog
from httpx_aiohttp import AiohttpTransport

log = structlog.get_logger()
_TIMEOUT_SECONDS = 5.0


class Callbacks:
    """The calls still to be made by this process."""

    def __init__(self) -> None:
        self._planned: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    def plan(self, url: str, after_seconds: Sequence[float]) -> None:
        """POST to the URL, each time after so many seconds from now."""
        for seconds in after_seconds:
            call = asyncio.create_task(self._call(url, seconds))
            self._planned.add(call)
            call.add_done_callback(self._planned.discard)

    async def close(self) -> None:
        """Forget what was not yet called."""
        for call in self._planned:
            call.cancel()
        if self._client is not None:
            await self._client.aclose()

    async def _call(self, url: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._client is None:
            self._client = httpx.AsyncClient(transport=AiohttpTransport(), timeout=_TIMEOUT_SECONDS, trust_env=False)
        try:
            answer = await self._client.post(url, json={"status": "succeeded"})
        except httpx.HTTPError as fault:
            log.info("sandbox_callback_lost", error=repr(fault))
            return
        log.info("sandbox_called_back", status=answer.status_code)
