"""Conditional GET: a strong ETag of what is answered, and 304 for those who have it."""

import hashlib
from collections.abc import Mapping

from fastapi import Request, Response
from pydantic import BaseModel

_SHARED = {"Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key, Cookie, X-Workspace-Id"}


def is_known(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names the ETag."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags


def not_modified(etag: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status_code=304, headers={**(headers or {}), "ETag": etag, **_SHARED})


def whole(content: bytes, etag: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, 200, {**(headers or {}), "ETag": etag, **_SHARED}, "application/json")


def answer(request: Request, body: BaseModel) -> Response:
    """The body as JSON with the ETag of its bytes, or 304 where `If-None-Match` has it."""
    content = body.model_dump_json().encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if is_known(request.headers.get("if-none-match", ""), etag):
        return not_modified(etag)
    return whole(content, etag)
