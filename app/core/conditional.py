"""Conditional GET: a strong ETag of the answer's bytes, and 304 for those who have them."""

import hashlib
from collections.abc import Mapping

from fastapi import Request, Response
from pydantic import BaseModel


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags


def answer(request: Request, body: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """The body as JSON, or 304 where `If-None-Match` has its ETag."""
    content = body.model_dump_json().encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    shared = {**(headers or {}), "ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key"}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=shared)
    return Response(content, 200, shared, "application/json")
