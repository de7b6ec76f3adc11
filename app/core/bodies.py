"""What a request body may be: not larger, not slower, and not otherwise encoded than we read it."""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.problems import BodyTimedOut, BodyTooLarge, Problem, UnsupportedMediaType

PAUSE_SECONDS = 20.0
"""The longest silence in the middle of a body."""
BODY_SECONDS = 300.0
"""The longest a whole body may take."""

_ANNOUNCING = (b"content-length", b"transfer-encoding")
"""A request without either of these headers has no body."""


class BodyGuard:
    """ASGI middleware; some paths have limits of their own.

    The problem is raised where the body is read, so that who is not let in is told that first.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_bytes_at: Mapping[str, int]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_bytes_at = dict(max_bytes_at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not any(name in _ANNOUNCING for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        limit = self._max_bytes_at.get(scope["path"], self._max_bytes)
        refusal = _refusal(Headers(scope=scope), limit)
        latest = asyncio.get_running_loop().time() + BODY_SECONDS
        received, is_whole = 0, False

        async def receive_guarded() -> Message:
            nonlocal received, is_whole
            if is_whole:
                return await receive()
            if refusal is not None:
                raise refusal
            now = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout_at(min(now + PAUSE_SECONDS, latest)):
                    message = await receive()
            except TimeoutError:
                raise BodyTimedOut from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_guarded, send)


def _too_large(limit: int) -> Problem:
    return BodyTooLarge(f"A request to this path may have at most {limit} bytes.", max_bytes=limit)


def _refusal(headers: Headers, limit: int) -> Problem | None:
    """What is known to be wrong before the first byte. A length is believed only when it is too much."""
    length = headers.get("content-length", "")
    if not (length.strip("0") or "transfer-encoding" in headers):
        return None
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return UnsupportedMediaType("Bodies are read as they are: send it without Content-Encoding.")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        return _too_large(limit)
    return None
