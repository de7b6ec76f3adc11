"""API keys over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.accounts.caller import CALLER_PROBLEMS, CallersDep, KeysReader, KeysWriter
from app.accounts.errors import EmailUnverified
from app.accounts.keys import service
from app.accounts.keys.errors import ApiKeyNotFound, ApiKeyRevoked, ForbiddenGrant
from app.accounts.keys.schemas import ApiKeyCreate, ApiKeyRead, ApiKeyRotate, ApiKeySecret, ApiKeyUpdate
from app.accounts.once import ONCE_PROBLEMS, OnceDep
from app.core import conditional
from app.core.db import DatabaseDep, DbSession
from app.core.ids import KeyId, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.visitor import VisitorDep

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"])


def _operations(request: Request) -> tuple[str, ...]:
    """The names of all there are: told by the application, since orders are none of this package's business."""
    names: tuple[str, ...] = request.app.state.operations
    return names


OperationsDep = Annotated[tuple[str, ...], Depends(_operations)]


@router.post(
    "",
    status_code=201,
    response_model=ApiKeySecret,
    operation_id="create_api_key",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, ForbiddenGrant, EmailUnverified),
)
async def create_api_key(
    order: ApiKeyCreate,
    caller: KeysWriter,
    visitor: VisitorDep,
    operations: OperationsDep,
    once: OnceDep,
    session: DbSession,
) -> Response:
    """Make an API key. Its secret is in this answer only."""
    key, secret = await service.create_key(session, caller, order, visitor, operations)
    shown = ApiKeySecret.model_validate({**dict(key), "secret": secret})
    return await once.answer(session, 201, shown, {"Location": f"/v1/api-keys/{encode('key', key.id)}"})


@router.get(
    "",
    response_model=Page[ApiKeyRead],
    operation_id="list_api_keys",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_api_keys(caller: KeysReader, page: PageParams, session: DbSession) -> Page[ApiKeyRead]:
    """List the workspace's API keys, revoked ones too, newest first."""
    keys, cursor = await service.list_keys(session, caller, page)
    return Page(data=keys, next_cursor=cursor)


@router.get(
    "/{key_id}",
    response_model=ApiKeyRead,
    operation_id="get_api_key",
    responses=problems(*CALLER_PROBLEMS, ApiKeyNotFound) | {304: {"description": "Not changed."}},
)
async def get_api_key(key_id: KeyId, request: Request, caller: KeysReader, session: DbSession) -> Response:
    """Read one API key, and what was spent of its budget."""
    return conditional.answer(request, await service.get_key(session, caller, key_id))


@router.patch(
    "/{key_id}",
    response_model=ApiKeyRead,
    operation_id="update_api_key",
    responses=problems(*CALLER_PROBLEMS, ApiKeyNotFound, ApiKeyRevoked, ForbiddenGrant),
)
async def update_api_key(
    key_id: KeyId,
    change: ApiKeyUpdate,
    caller: KeysWriter,
    visitor: VisitorDep,
    operations: OperationsDep,
    database: DatabaseDep,
    callers: CallersDep,
) -> ApiKeyRead:
    """Change what an API key may do: at once, for all its requests. What is left out stays; null lifts a limit."""
    try:
        async with database.transaction() as session:
            return await service.update_key(session, caller, key_id, change, visitor, operations)
    finally:
        callers.forget(key_id)


@router.post(
    "/{key_id}/rotate",
    response_model=ApiKeySecret,
    operation_id="rotate_api_key",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, ApiKeyNotFound, ApiKeyRevoked, ForbiddenGrant),
)
async def rotate_api_key(
    key_id: KeyId,
    caller: KeysWriter,
    visitor: VisitorDep,
    callers: CallersDep,
    once: OnceDep,
    database: DatabaseDep,
    order: ApiKeyRotate | None = None,
) -> Response:
    """Give an API key a new secret, which is in this answer only. The old one works until the overlap ends.

    Rotated again before that, the oldest of the three ends at once. With an `Idempotency-Key` a lost answer can be
    asked for again, with the old secret too. To end a secret that leaked, say `"overlap_seconds": 0`.
    """
    try:
        async with database.transaction() as session:
            key, secret = await service.rotate_key(session, caller, key_id, order or ApiKeyRotate(), visitor)
            shown = ApiKeySecret.model_validate({**dict(key), "secret": secret})
            return await once.answer(session, 200, shown)
    finally:
        callers.forget(key_id)


@router.delete(
    "/{key_id}",
    status_code=204,
    operation_id="revoke_api_key",
    responses=problems(*CALLER_PROBLEMS, ApiKeyNotFound, ForbiddenGrant),
)
async def revoke_api_key(
    key_id: KeyId, caller: KeysWriter, visitor: VisitorDep, database: DatabaseDep, callers: CallersDep
) -> Response:
    """Revoke an API key: at once, for good. Both secrets end, where it is being rotated."""
    try:
        async with database.transaction() as session:
            await service.revoke_key(session, caller, key_id, visitor)
    finally:
        callers.forget(key_id)
    return Response(status_code=204)
