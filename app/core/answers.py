"""From exceptions to answers: the one place that knows how."""

import json
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import problems
from app.core.idempotency import Replay
from app.core.problems import CONTENT_TYPE, Problem, field_errors
from app.core.telemetry import request_id

log = structlog.get_logger()
RETRY_SECONDS = "5"
_ALWAYS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": RETRY_SECONDS}}
"""What answers of a status carry, unless the problem says it otherwise."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# SQLSTATE classes of a server that is going away, full, or slower than the statement timeout; and of a transaction that
# had to give way to another.
_DOWN_STATES = ("08", "40", "53", "57")

_BY_STATUS: dict[int, type[Problem]] = {
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    413: problems.BodyTooLarge,
    415: problems.UnsupportedMediaType,
}


def render(problem: Problem, request: Request) -> Response:
    body = problem.body(getattr(request.state, "request_id", request_id.get()))
    headers = _ALWAYS.get(problem.status, {}) | problem.headers
    # A field may be named by half a surrogate pair, which no encoding can write.
    content = json.dumps(body, ensure_ascii=False, default=str).encode(errors="replace")
    return Response(content, problem.status, headers, CONTENT_TYPE)


async def _problem(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Problem)
    return render(fault, request)


async def _replay(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, Replay)
    return fault.response


async def _invalid(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    errors = list(fault.errors())
    broken = next((error for error in errors if error["type"] == "json_invalid"), None)
    if broken is not None:
        reason = broken.get("ctx", {}).get("error", "it cannot be parsed")
        return render(problems.MalformedRequest(f"The body is not valid JSON: {reason}."), request)
    if any(error["loc"] == ("body",) for error in errors) and not _is_json(request):
        return render(problems.UnsupportedMediaType("Send the body as application/json."), request)
    if any(error["loc"][0] == "path" for error in errors):
        return render(problems.NotFound("There is nothing at this path: the id in it is none of ours."), request)
    shown = field_errors(errors)
    names = ", ".join(error.pointer or "the body" for error in shown[:5])
    return render(problems.InvalidRequest(f"Not valid: {names}.", errors=shown), request)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


async def _http(request: Request, fault: Exception) -> Response:
    """What Starlette and FastAPI raise themselves: unknown paths, wrong methods, unreadable bodies."""
    assert isinstance(fault, HTTPException)
    if isinstance(fault.__cause__, Problem):
        return render(fault.__cause__, request)
    kind = _BY_STATUS.get(fault.status_code, problems.MalformedRequest)
    detail = fault.detail if kind is problems.MalformedRequest else None
    headers = {"Allow": _allowed(request)} if kind is problems.MethodNotAllowed else fault.headers
    return render(kind(detail, headers=headers), request)


def _allowed(request: Request) -> str:
    """Every method of the path: Starlette names those of the first route that has it."""
    routes: Sequence[BaseRoute] = request.app.router.routes
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    return ", ".join(
        method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)
    )


async def _down(request: Request, fault: Exception) -> Response:
    log.error("dependency_down", error=repr(fault))
    return render(problems.DependencyDown(), request)


async def _database(request: Request, fault: Exception) -> Response:
    """Only some of what the database refuses is our fault."""
    assert isinstance(fault, DBAPIError | asyncpg.PostgresError)
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    state = str(getattr(cause, "sqlstate", None) or "")
    if state.startswith(_DOWN_STATES) or getattr(fault, "connection_invalidated", False):
        return await _down(request, fault)
    raise fault


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    Problem: _problem,
    Replay: _replay,
    RequestValidationError: _invalid,
    HTTPException: _http,
    DBAPIError: _database,
    asyncpg.PostgresError: _database,
    **dict.fromkeys(
        (OperationalError, InterfaceError, asyncpg.InterfaceError, PoolTimeout, RedisError, OSError), _down
    ),
}


async def respond(request: Request, fault: Exception) -> Response:
    """The answer to what was raised; raises it again when nobody foresaw it."""
    for kind in type(fault).__mro__:
        if (handler := _HANDLERS.get(kind)) is not None:
            return await handler(request, fault)
    raise fault


class Crashes:
    """ASGI middleware: what nobody foresaw is logged in full and answered like other problems.

    Starlette's own handler stands outside all middleware, so its answers would lack the request id and CORS.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_started = False

        async def send_noted(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as fault:
            if has_started or scope["type"] != "http":
                raise
            log.error("request_crashed", path=scope["path"], exc_info=fault)
            await render(problems.Internal(), Request(scope))(scope, receive, send)


def install(app: FastAPI) -> None:
    """Every exception gets its answer; 5xx bodies tell nothing, the logs tell all."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Crashes)
