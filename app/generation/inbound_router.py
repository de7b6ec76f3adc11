"""Where providers call when a job has ended. Public: the token in the path is the proof."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.core.db import DatabaseDep
from app.core.dependencies import SettingsDep
from app.core.problems import Internal, InvalidRequest, NotFound, problems
from app.generation import callbacks

router = APIRouter(prefix="/v1/inbound", tags=["inbound"])


@router.post(
    "/{provider}/{token}",
    status_code=204,
    operation_id="receive_callback",
    responses=problems(NotFound, InvalidRequest, Internal),
)
async def receive_callback(
    provider: Annotated[str, Path(max_length=64)],
    token: Annotated[str, Path(max_length=100)],
    settings: SettingsDep,
    database: DatabaseDep,
) -> Response:
    """Hear from a provider that a job has ended. The body is not read: the provider is asked what became of it."""
    if not await callbacks.receive(database, settings, provider, token):
        raise NotFound
    return Response(status_code=204)
