"""Around each request: its id, and its line in the log."""

import re
from time import perf_counter

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.access_log import AccessLog
from app.core.ids import encode, new_id
from app.core.telemetry import request_id

_HEADERS = "added_headers"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestContext:
    """ASGI middleware: gives each request its id, and notes how it went."""

    def __init__(self, app: ASGIApp, *, log: AccessLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = _given(scope) or encode("req", new_id())
        scope.setdefault("state", {})["request_id"] = current
        mark = request_id.set(current)
        started, status = perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = scope["state"].get(_HEADERS, ())
                message["headers"] = [*message.get("headers", ()), *added, (b"x-request-id", current.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        finally:
            request_id.reset(mark)
            self._log.note(
                request_id=current,
                method=scope["method"],
                path=scope["path"],
                status=status,
                seconds=perf_counter() - started,
            )


def add_header(request: Request, name: bytes, value: str) -> None:
    """Have the answer carry this, whatever it is and whoever makes it."""
    request.scope.setdefault("state", {}).setdefault(_HEADERS, []).append((name, value.encode()))


def _given(scope: Scope) -> str | None:
    """The caller's own id, if it is well formed."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = str(value, "latin-1")
            return text if _WELL_FORMED.fullmatch(text) else None
    return None
