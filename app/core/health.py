"""Is the process alive, and can it work? For load balancers and orchestrators."""

import asyncio
from typing import Literal

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

router = APIRouter(prefix="/health", tags=["health"])
log = structlog.get_logger()
CHECK_SECONDS = 2.0

State = Literal["ok", "down"]


class Live(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"]


class Ready(BaseModel):
    """`status` is `down` when any dependency is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "ok", "dependencies": {"database": "ok", "redis": "ok", "storage": "ok"}}]
        }
    )

    status: State
    dependencies: dict[str, State]


@router.get("/live", operation_id="get_live", response_model=Live)
async def get_live() -> Live:
    """The process answers."""
    return Live(status="ok")


async def _state(request: Request, name: str) -> State:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await request.app.state.checks[name]()
    except Exception as fault:
        log.warning("dependency_down", dependency=name, error=repr(fault))
        return "down"
    return "ok"


@router.get(
    "/ready",
    operation_id="get_ready",
    response_model=Ready,
    responses={
        503: {
            "model": Ready,
            "description": "A dependency is down; which one is in the body.",
            "content": {
                "application/json": {
                    "example": {"status": "down", "dependencies": {"database": "ok", "redis": "down", "storage": "ok"}}
                }
            },
        }
    },
)
async def get_ready(request: Request, response: Response) -> Ready:
    """The process and all it depends on work."""
    names = list(request.app.state.checks)
    states = await asyncio.gather(*(_state(request, name) for name in names))
    ready = Ready(
        status="ok" if all(state == "ok" for state in states) else "down",
        dependencies=dict(zip(names, states, strict=True)),
    )
    if ready.status == "down":
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return ready
