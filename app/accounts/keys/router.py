"""API keys over HTTP."""

from fastapi import APIRouter, Request, Response

from app.accounts import changes
from app.accounts.caller import CALLER_PROBLEMS, ONCE_PROBLEMS, CallersDep, KeysReader, KeysWriter, OnceDep
from app.accounts.errors import ApiKeyNotFound, ForbiddenGrant
from app.accounts.keys import service
from app.accounts.keys.schemas import ApiKeyCreate, ApiKeyRead, ApiKeySecret
from app.core import conditional
from app.core.db import DatabaseDep, DbSession
from app.core.ids import KeyId, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"])


@router.post(
    "",
    status_code=201,
    response_model=ApiKeySecret,
    operation_id="create_api_key",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, ForbiddenGrant),
)
async def create_api_key(order: ApiKeyCreate, caller: KeysWriter, once: OnceDep, session: DbSession) -> Response:
    """Make an API key. Its secret is in this answer only."""
    key, secret = await service.create_key(session, caller, order)
    await session.flush()
    shown = ApiKeySecret.model_validate({**ApiKeyRead.model_validate(key).model_dump(), "secret": secret})
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
    return Page(data=[ApiKeyRead.model_validate(key) for key in keys], next_cursor=cursor)


@router.get(
    "/{key_id}",
    response_model=ApiKeyRead,
    operation_id="get_api_key",
    responses=problems(*CALLER_PROBLEMS, ApiKeyNotFound) | {304: {"description": "Not changed."}},
)
async def get_api_key(key_id: KeyId, request: Request, caller: KeysReader, session: DbSession) -> Response:
    """Read one API key."""
    key = await service.get_key(session, caller, key_id)
    return conditional.answer(request, ApiKeyRead.model_validate(key))


@router.delete(
    "/{key_id}",
    status_code=204,
    operation_id="revoke_api_key",
    responses=problems(*CALLER_PROBLEMS, ApiKeyNotFound),
)
async def revoke_api_key(key_id: KeyId, caller: KeysWriter, database: DatabaseDep, callers: CallersDep) -> Response:
    """Revoke an API key: at once, for good."""
    try:
        async with database.transaction() as session:
            await service.revoke_key(session, caller, key_id)
            changes.tell(session, key_id)
    finally:
        callers.forget(key_id)
    return Response(status_code=204)
