"""Assets over HTTP, and the signed links of the local storage."""

import asyncio
import os
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.types import Message, Receive, Scope, Send

from app.accounts.caller import CALLER_PROBLEMS, AssetsReader, AssetsWriter
from app.accounts.once import ONCE_PROBLEMS, IdempotencyHeader
from app.assets import service, uploads
from app.assets.errors import UPLOAD_PROBLEMS, AssetNotFound, InvalidSignature, MissingFile, RangeNotSatisfiable
from app.assets.imaging import Rendition
from app.assets.models import AssetKind, AssetSource
from app.assets.queries import Filters
from app.assets.schemas import AssetCreate, AssetRead, AssetUpdate
from app.assets.storage import LocalStorage
from app.assets.storage.base import CACHE_CONTROL, attachment
from app.assets.tools import AssetTools, AssetToolsDep
from app.core import conditional, idempotency
from app.core.db import DatabaseDep, DbSession
from app.core.dependencies import SealerDep
from app.core.ids import AssetId, TaskId, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.wire import Moment

router = APIRouter(prefix="/v1/assets", tags=["assets"])
files_router = APIRouter(prefix="/files", tags=["assets"], include_in_schema=False)

_IMAGE_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

_CREATE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "A JPEG, PNG or WebP image: at most 20 MiB and 4096 pixels a side.",
                        },
                        "metadata": {
                            "type": "string",
                            "description": "Your own notes, as a JSON object of at most 16 short strings.",
                        },
                    },
                },
                "encoding": {"file": {"contentType": "image/jpeg, image/png, image/webp"}},
                "examples": {"photo": {"value": {"file": "(the bytes)", "metadata": '{"sku": "A-17"}'}}},
            },
            "application/json": {
                "schema": AssetCreate.model_json_schema(),
                "examples": {
                    "url": {"value": {"url": "https://example.com/coffee.jpg", "metadata": {"sku": "A-17"}}},
                    "base64": {"value": {"base64": "/9j/4AAQSkZJRgABAQEASABIAAD/…", "filename": "coffee.jpg"}},
                },
            },
        },
    }
}


@router.post(
    "",
    status_code=201,
    response_model=AssetRead,
    operation_id="create_asset",
    openapi_extra=_CREATE_BODY,
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, *UPLOAD_PROBLEMS),
)
async def create_asset(
    request: Request,
    caller: AssetsWriter,
    database: DatabaseDep,
    tools: AssetToolsDep,
    sealer: SealerDep,
    key: IdempotencyHeader = None,
) -> Response:
    """Upload an image: as multipart, by URL, or in base64. It is turned upright, and its metadata is taken out."""
    key = idempotency.read_key(key)
    async with (
        uploads.receive(request, max_bytes=tools.settings.max_image_bytes) as upload,
        idempotency.once(
            database,
            sealer,
            workspace_id=caller.workspace_id,
            mode=caller.mode,
            key=key,
            fingerprint=uploads.fingerprint(request, upload),
        ) as once,
    ):
        asset_id = await service.take(tools, database, upload, workspace_id=caller.workspace_id, mode=caller.mode)
        try:
            async with database.transaction() as session:
                await service.publish(session, [asset_id])
                asset = await service.get_ready(session, asset_id, workspace_id=caller.workspace_id, mode=caller.mode)
                headers = {"Location": f"/v1/assets/{encode('asset', asset_id)}"}
                return await once.answer(session, 201, service.read_model(tools, asset), headers)
        except BaseException:
            await service.discard(tools, database, [asset_id])
            raise


def _filters(
    kind: Annotated[AssetKind | None, Query(description="Only of this kind.")] = None,
    source: Annotated[AssetSource | None, Query(description="Only those that came in this way.")] = None,
    favorite: Annotated[bool | None, Query(description="Only those marked so, or only the others.")] = None,
    created_after: Annotated[Moment | None, Query(description="Only newer ones.")] = None,
    task_id: Annotated[
        TaskId | None, Query(description="Only what this task made, its intermediate files too.")
    ] = None,
) -> Filters:
    return Filters(kind, source, favorite, created_after, task_id)


@router.get(
    "",
    response_model=Page[AssetRead],
    operation_id="list_assets",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_assets(
    caller: AssetsReader,
    page: PageParams,
    filters: Annotated[Filters, Depends(_filters)],
    tools: AssetToolsDep,
    session: DbSession,
) -> Page[AssetRead]:
    """List the workspace's assets, newest first."""
    found, cursor = await service.list_assets(session, caller, page, filters)
    return Page(data=[service.read_model(tools, asset) for asset in found], next_cursor=cursor)


@router.get(
    "/{asset_id}",
    response_model=AssetRead,
    operation_id="get_asset",
    responses=problems(*CALLER_PROBLEMS, AssetNotFound) | {304: {"description": "Not changed."}},
)
async def get_asset(
    asset_id: AssetId, request: Request, caller: AssetsReader, tools: AssetToolsDep, session: DbSession
) -> Response:
    """Read one asset, with fresh links to its files."""
    asset = await service.get_ready(session, asset_id, workspace_id=caller.workspace_id, mode=caller.mode)
    return conditional.answer(request, service.read_model(tools, asset))


@router.patch(
    "/{asset_id}",
    response_model=AssetRead,
    operation_id="update_asset",
    responses=problems(*CALLER_PROBLEMS, AssetNotFound),
)
async def update_asset(
    asset_id: AssetId, change: AssetUpdate, caller: AssetsWriter, tools: AssetToolsDep, session: DbSession
) -> AssetRead:
    """Mark as favorite, rename, or replace the metadata."""
    return service.read_model(tools, await service.update_asset(session, caller, asset_id, change))


@router.delete(
    "/{asset_id}",
    status_code=204,
    operation_id="delete_asset",
    responses=problems(*CALLER_PROBLEMS, AssetNotFound),
)
async def delete_asset(
    asset_id: AssetId, caller: AssetsWriter, tools: AssetToolsDep, database: DatabaseDep
) -> Response:
    """Delete an asset and its files, for good."""
    await service.delete_asset(tools, database, caller, asset_id)
    return Response(status_code=204)


@router.get(
    "/{asset_id}/content",
    status_code=302,
    response_class=RedirectResponse,
    operation_id="get_asset_content",
    responses=problems(*CALLER_PROBLEMS, AssetNotFound)
    | {
        302: {
            "description": "The file is at `Location`.",
            "headers": {"Location": {"description": "A signed link.", "schema": {"type": "string", "format": "uri"}}},
        }
    },
)
async def get_asset_content(
    asset_id: AssetId,
    caller: AssetsReader,
    tools: AssetToolsDep,
    session: DbSession,
    rendition: Annotated[Rendition, Query(description="Which size.")] = Rendition.FULL,
    download: Annotated[bool, Query(description="Let browsers save it under its name.")] = False,
) -> RedirectResponse:
    """Go to the file of an asset."""
    asset = await service.get_ready(session, asset_id, workspace_id=caller.workspace_id, mode=caller.mode)
    url = service.content_url(tools, asset, rendition, downloads=download)
    return RedirectResponse(url, 302, {"Cache-Control": "private, no-store"})


class _File(FileResponse):
    """Starlette's, which tells in plain text what is wrong with a range."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_checked(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                assert self.stat_result is not None
                raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{self.stat_result.st_size}"})
            await send(message)

        await super().__call__(scope, receive, send_checked)


@files_router.api_route("/{key:path}", methods=["GET", "HEAD"])
async def get_file(
    key: str,
    request: Request,
    tools: AssetToolsDep,
    expires: str = "",
    signature: str = "",
    download: str | None = None,
) -> Response:
    """A file of the local storage, for who has its signed link."""
    storage = _local(tools)
    if not (expires.isascii() and expires.isdigit() and storage.admits(key, int(expires[:12]), download, signature)):
        raise InvalidSignature("This link is not valid, or not any more.")
    path = storage.path(key)
    try:
        found = await asyncio.to_thread(os.stat, path)
    except FileNotFoundError as fault:
        raise MissingFile("The file behind this link was deleted.") from fault
    headers = {
        "Cache-Control": CACHE_CONTROL,
        "ETag": f'"{sha256(key.encode()).hexdigest()[:32]}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if download is not None:
        headers["Content-Disposition"] = attachment(download)
    kind = _IMAGE_TYPES.get(path.suffix[1:], "application/octet-stream")
    return _File(path, headers=headers, media_type=kind, stat_result=found)


def _local(tools: AssetTools) -> LocalStorage:
    if not isinstance(tools.storage, LocalStorage):
        raise MissingFile("Files are not served here.")
    return tools.storage
