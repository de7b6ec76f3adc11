"""Where providers call when a job has ended. Public: the token in the path is the proof, and what they sign."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.requests import ClientDisconnect

from app.core.db import DatabaseDep
from app.core.dependencies import SettingsDep
from app.core.problems import (
    BodyTimedOut,
    BodyTooLarge,
    DependencyDown,
    Internal,
    InvalidRequest,
    MalformedRequest,
    NotFound,
    UnsupportedMediaType,
    problems,
)
from app.generation import callbacks
from app.generation.errors import CallbackRefused
from app.generation.router import CatalogDep
from app.providers.base import Callback

router = APIRouter(prefix="/v1/inbound", tags=["inbound"])


@router.post(
    "/{provider}/{token}",
    status_code=204,
    operation_id="receive_callback",
    responses=problems(
        MalformedRequest,
        CallbackRefused,
        NotFound,
        BodyTimedOut,
        BodyTooLarge,
        UnsupportedMediaType,
        InvalidRequest,
        Internal,
        DependencyDown,
    ),
)
async def receive_callback(
    provider: Annotated[str, Path(max_length=64)],
    token: Annotated[str, Path(max_length=100)],
    request: Request,
    settings: SettingsDep,
    database: DatabaseDep,
    catalog: CatalogDep,
) -> Response:
    """Hear from a provider that a job has ended.

    Any body up to 1 MiB is taken and none is believed: the provider is asked what became of the job. Of providers that
    sign their callbacks the signature is checked. The same delivery may come again, and does nothing more.
    """
    attempt_id = callbacks.attempt_of(settings, provider, token)
    if attempt_id is None or provider not in catalog.providers:
        raise NotFound
    try:
        callback = Callback(dict(request.headers), await request.body())
    except ClientDisconnect:
        raise MalformedRequest("The body broke off.") from None
    await callbacks.receive(database, settings, catalog, provider, attempt_id, callback)
    return Response(status_code=204)
