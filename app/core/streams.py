"""Answers that come bit by bit: server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Annotated

import structlog
from fastapi import Header, Query, Response
from starlette.types import Message, Receive, Scope, Send

from app.core.http import CONNECTION, Connection

log = structlog.get_logger()
MOST_OF_ID = 100
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=MOST_OF_ID, description="The `id` of the last event you have."),
]
LastEventIdAsked = Annotated[
    str | None,
    Query(alias="last_event_id", max_length=MOST_OF_ID, description="The same, where no header can be sent."),
]


class Last(bytes):
    """What nothing comes after: it goes out together with the end of the answer."""


_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"content-type", b"text/event-stream; charset=utf-8"),
)
SLOW_SECONDS = 30.0
"""A client that takes nothing for so long is cut off: what it did not read it gets when it comes again."""


class EventStream(Response):
    """Server-sent events, that nobody on the way keeps back. When the client goes away, `events` is closed.

    Nothing is gathered for a client that reads slowly: `events` is asked for more when it has taken what there was.

    Thousands are open at once: what Starlette's StreamingResponse has a task group for, nothing or one small task does.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], status_code: int = 200) -> None:
        self._events = events
        self.status_code = status_code
        self.background = None
        self.raw_headers = list(_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.current_task()
        assert writing is not None
        has_gone = False

        def gone() -> None:
            nonlocal has_gone
            has_gone = True
            writing.cancel()

        connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
        watching = None
        if connection is not None:
            connection.lost = gone
        else:
            watching = asyncio.create_task(_until_gone(receive, gone))
        try:
            if connection is None or not connection.is_lost:
                await self._write(send)
        except _TooSlow:
            log.info("slow_reader_cut_off", path=scope.get("path"))
            if connection is not None:
                connection.lost = None
                connection.abort()
                await asyncio.sleep(0)  # the server hears that it is lost before it is told that we are done
        except asyncio.CancelledError:
            if not has_gone or writing.uncancel():
                raise
        finally:
            if connection is not None:
                connection.lost = None
            if watching is not None:
                watching.cancel()
            await self._events.aclose()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for events in self._events:
            is_last = isinstance(events, Last)
            await _send_in_time(send, {"type": "http.response.body", "body": events, "more_body": not is_last})
            if is_last:
                return
        await _send_in_time(send, {"type": "http.response.body", "body": b"", "more_body": False})


class _TooSlow(Exception):
    """The client does not read."""


async def _send_in_time(send: Send, message: Message) -> None:
    try:
        async with asyncio.timeout(SLOW_SECONDS):
            await send(message)
    except TimeoutError as fault:
        raise _TooSlow from fault


async def _until_gone(receive: Receive, gone: Callable[[], None]) -> None:
    """Where the server is another than ours."""
    while (await receive())["type"] != "http.disconnect":
        pass
    gone()
