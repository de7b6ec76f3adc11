"""How a connection is read: uvicorn's protocol, with an end to heads that never end and to bodies nobody wants."""

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.ids import encode, new_id
from app.core.problems import CONTENT_TYPE, HeadTooLarge, MalformedRequest, Problem

MAX_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 10.0
CONNECTION = "backlot.connection"
"""The extension by which a request finds its Connection."""
LINGER_SECONDS = 10.0
"""How long the rest of a body is thrown away after its answer: a client may read that only when all is sent."""


class Connection:
    """What an answer without end may want of its connection: to hear when it is lost, and to end it at once.

    The same could be had by waiting for `http.disconnect`; of thousands of connections each would take a task for that.
    """

    __slots__ = ("abort", "is_lost", "lost")

    def __init__(self, abort: Callable[[], None]) -> None:
        self.abort = abort
        self.is_lost = False
        self.lost: Callable[[], object] | None = None
        """Called when it is lost, by whoever set it."""


class Http(HttpToolsProtocol):
    """For `uvicorn.Config(http=Http)`. What cannot be read as HTTP is told as a problem too."""

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _linger_timer: asyncio.TimerHandle | None = None
    _is_in_message = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._extensions = {CONNECTION: Connection(transport.abort)}
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self._end_linger()
        super().connection_lost(exc)
        connection = self._extensions[CONNECTION]
        connection.is_lost = True
        if connection.lost is not None:
            connection.lost()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_timer is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadTooLarge(f"URL and headers together may have {MAX_HEAD_BYTES} bytes."))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        self._is_in_message = True
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_message = False
        self._end_linger()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_in_message and not self.transport.is_closing():
            self._linger_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        self._refuse(MalformedRequest("This is not HTTP."))

    def _expect_head(self) -> None:
        self._end_head()
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_linger(self) -> None:
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None

    def _refuse(self, problem: Problem) -> None:
        if self.transport.is_closing():
            return
        self._end_head()
        request_id = encode("req", new_id())
        body = json.dumps(problem.body(request_id)).encode()
        headers: dict[str, Any] = {
            "content-type": CONTENT_TYPE,
            "content-length": len(body),
            "x-request-id": request_id,
            "connection": "close",
        }
        lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
