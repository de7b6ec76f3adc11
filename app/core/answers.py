"""From exceptions to answers: the one place that knows how."""

import json
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.core import problems
from app.core.idempotency import Replay
from app.core.problems import CONTENT_TYPE, Problem, field_errors
from app.core.telemetry import request_id

log = structlog.get_logger()
RETRY_SECONDS = "5"

_BY_STATUS: dict[int, type[Problem]] = {
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    413: problems.BodyTooLarge,
    415: problems.UnsupportedMediaType,
}


def render(problem: Problem, request: Request) -> Response:
    body = problem.body(getattr(request.state, "request_id", request_id.get()))
    return Response(
        json.dumps(body, ensure_ascii=False, default=str).encode(), problem.status, problem.headers, CONTENT_TYPE
    )


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
    shown = field_errors(errors)
    names = ", ".join(error.pointer or "the body" for error in shown[:5])
    return render(problems.InvalidRequest(f"Not valid: {names}.", errors=shown), request)


async def _http(request: Request, fault: Exception) -> Response:
    """What Starlette and FastAPI raise themselves: unknown paths, wrong methods, unreadable bodies."""
    assert isinstance(fault, HTTPException)
    if isinstance(fault.__cause__, Problem):
        return render(fault.__cause__, request)
    kind = _BY_STATUS.get(fault.status_code, problems.MalformedRequest)
    detail = fault.detail if kind is problems.MalformedRequest else None
    return render(kind(detail, headers=fault.headers), request)


async def _down(request: Request, fault: Exception) -> Response:
    log.error("dependency_down", error=repr(fault))
    return render(problems.DependencyDown(headers={"Retry-After": RETRY_SECONDS}), request)


async def _crashed(request: Request, fault: Exception) -> Response:
    log.error("request_crashed", path=request.url.path, exc_info=fault)
    return render(problems.Internal(), request)


def install(app: FastAPI) -> None:
    """Every exception gets its answer; 5xx bodies tell nothing, the logs tell all."""
    handlers: dict[Any, Any] = {
        Problem: _problem,
        Replay: _replay,
        RequestValidationError: _invalid,
        HTTPException: _http,
        Exception: _crashed,
    }
    for kind in (OperationalError, InterfaceError, PoolTimeout, RedisError, OSError):
        handlers[kind] = _down
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
