"""Answers that come bit by bit: server-sent events."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi import Response
from starlette.types import Receive, Scope, Send


class Last(bytes):
    """What nothing comes after: it goes out together with the end of the answer."""


class EventStream(Response):
    """Server-sent events, that nobody on the way keeps back. When the client goes away, `events` is closed.

    Thousands are open at once: what Starlette's StreamingResponse has a task group for, one small task does here.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], status_code: int = 200) -> None:
        self._events = events
        self.status_code = status_code
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.current_task()
        assert writing is not None
        has_gone = False

        def gone(watching: asyncio.Task[None]) -> None:
            nonlocal has_gone
            if not watching.cancelled():
                has_gone = True
                writing.cancel()

        watching = asyncio.create_task(_until_gone(receive))
        watching.add_done_callback(gone)
        try:
            await self._write(send)
        except asyncio.CancelledError:
            if not has_gone or writing.uncancel():
                raise
        finally:
            watching.remove_done_callback(gone)
            watching.cancel()
            await self._events.aclose()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for events in self._events:
            is_last = isinstance(events, Last)
            await send({"type": "http.response.body", "body": events, "more_body": not is_last})
            if is_last:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
