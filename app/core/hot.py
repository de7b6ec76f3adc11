"""The few routes asked for most, answered before the framework's machinery, which would cost more than their work.

A hot route is declared like any other, and beside it stands a shortcut that gets the bare request. The shortcut
answers, raises what the route would raise, or declines with None before it has done anything; then the declared route
does it all. So what is unusual or wrong is told in one way, and the OpenAPI document knows nothing of shortcuts.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core import answers
from app.core.problems import MalformedRequest

Shortcut = Callable[[Request], Awaitable[Response | None]]
Model = TypeVar("Model", bound=BaseModel)


class HotRoutes:
    """Shortcuts by method and path, whose last or last but one part may be a parameter: `/v1/tasks/{task_id}`."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], Shortcut] = {}
        self._with_parameter: dict[tuple[str, str, str], tuple[str, Shortcut]] = {}

    def add(self, method: str, path: str, shortcut: Shortcut) -> None:
        parent, _, last = path.rpartition("/")
        grandparent, _, middle = parent.rpartition("/")
        if last.startswith("{"):
            self._with_parameter[method, parent, ""] = (last.strip("{}"), shortcut)
        elif middle.startswith("{"):
            self._with_parameter[method, grandparent, last] = (middle.strip("{}"), shortcut)
        else:
            self._exact[method, path] = shortcut

    def include(self, other: "HotRoutes") -> None:
        self._exact |= other._exact
        self._with_parameter |= other._with_parameter

    def find(self, scope: Scope) -> Shortcut | None:
        """The shortcut of this request, its parameter put where routes have it."""
        method, path = scope["method"], scope["path"]
        if (exact := self._exact.get((method, path))) is not None:
            return exact
        parent, _, last = path.rpartition("/")
        value = last
        found = self._with_parameter.get((method, parent, ""))
        if found is None:
            grandparent, _, value = parent.rpartition("/")
            found = self._with_parameter.get((method, grandparent, last)) if last else None
        if found is None:
            return None
        scope["path_params"] = {found[0]: value}
        return found[1]


class Hot:
    """ASGI middleware, the innermost: takes the shortcut where there is one."""

    def __init__(self, app: ASGIApp, *, routes: HotRoutes) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shortcut = self._routes.find(scope) if scope["type"] == "http" else None
        if shortcut is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await shortcut(request)
        except Exception as fault:
            response = await answers.respond(request, fault)
        if response is not None:
            await response(scope, receive, send)
            return
        await self._app(scope, _again(request) if hasattr(request, "_body") else receive, send)


def _again(request: Request) -> Receive:
    """The body once more, for the declared route: the shortcut has read it."""
    is_given = False

    async def receive() -> dict[str, object]:
        nonlocal is_given
        if is_given:
            return dict(await request.receive())
        is_given = True
        return {"type": "http.request", "body": await request.body(), "more_body": False}

    return receive


def header(request: Request, name: bytes) -> str | None:
    """The first header of this name, in lower case, without building a map of them all."""
    for key, value in request.scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


async def read_json(request: Request, model: type[Model]) -> Model | None:
    """The body as the model says, or None when the declared route has to tell what is wrong with it."""
    kind = header(request, b"content-type") or ""
    if kind.partition(";")[0].strip().lower() != "application/json":
        return None
    try:
        body = await request.body()
    except ClientDisconnect:
        raise MalformedRequest("The body broke off.") from None
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None
