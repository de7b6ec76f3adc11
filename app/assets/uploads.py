"""Reading what a customer sends: multipart or JSON, never more of it than may be sent."""

import asyncio
import base64
import binascii
import hashlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from app.assets.errors import FileTooLarge, InvalidBase64
from app.assets.schemas import AssetCreate, Metadata
from app.assets.service import Upload
from app.core import idempotency
from app.core.problems import (
    FieldError,
    InvalidRequest,
    MalformedRequest,
    Problem,
    UnsupportedMediaType,
    field_errors,
)

SLACK = 64 * 1024
"""What may stand around a file: part headers, metadata, JSON."""
PIECE = 256 * 1024

_DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_SPACE = str.maketrans("", "", " \t\r\n")
_METADATA: TypeAdapter[dict[str, str]] = TypeAdapter(Metadata)


def fingerprint(request: Request, sent: Upload) -> bytes:
    """The same for the same file with the same words about it."""
    about = json.dumps([sent.pointer, sent.url, sent.filename, dict(sent.metadata)])
    return idempotency.fingerprint(request.method, request.url.path, sent.digest, about)


@asynccontextmanager
async def receive(request: Request, *, max_bytes: int) -> AsyncIterator[Upload]:
    """Read the request. Raises the problem that names the field."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    match kind:
        case "multipart/form-data":
            form = await _form(request, max_bytes)
            try:
                yield await _from_form(form, max_bytes)
            finally:
                await form.close()
        case "application/json":
            yield await _from_json(await _body(request, max_bytes), max_bytes)
        case _:
            raise UnsupportedMediaType("Send multipart/form-data with a `file`, or application/json.")


def _too_large(pointer: str, max_bytes: int) -> Problem:
    return FileTooLarge.at(pointer, f"The file is larger than {max_bytes} bytes.", max_bytes=max_bytes)


async def _capped(request: Request, limit: int, problem: Problem) -> AsyncGenerator[bytes, None]:
    """The body as it comes, up to the limit. What the request says of its length is believed only when too much."""
    claimed = request.headers.get("content-length", "")
    if claimed.isascii() and claimed.isdigit() and int(claimed[:20]) > limit:
        raise problem
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > limit:
                raise problem
            yield chunk
    except ClientDisconnect as fault:
        raise MalformedRequest("The connection ended before the whole request was there.") from fault


# --- multipart


async def _form(request: Request, max_bytes: int) -> FormData:
    """Files go to disk beyond a megabyte, so a slow sender holds no memory."""
    stream = _capped(request, max_bytes + SLACK, _too_large("/file", max_bytes))
    parser = MultiPartParser(request.headers, stream, max_files=2, max_fields=4, max_part_size=SLACK)
    try:
        form = await parser.parse()
    except MultiPartException as fault:
        raise MalformedRequest(f"The multipart body cannot be read: {fault.message}") from fault
    finally:
        await stream.aclose()
    whole: list[Any] = [part.file for _, part in form.multi_items() if isinstance(part, UploadFile)]
    for file in parser._files_to_close_on_error:  # Starlette forgets files whose part never ended
        if file not in whole:
            file.close()
    if len(whole) < len(parser._files_to_close_on_error):
        await form.close()
        raise MalformedRequest("The multipart body ends in the middle of a file.")
    return form


async def _from_form(form: FormData, max_bytes: int) -> Upload:
    errors = [
        FieldError(
            "/" + name.replace("~", "~0").replace("/", "~1"), "extra_forbidden", "Only `file` and `metadata` are read."
        )
        for name in form
        if name not in ("file", "metadata")
    ]
    files, notes = form.getlist("file"), form.getlist("metadata")
    file = files[0] if len(files) == 1 else None
    if not isinstance(file, UploadFile):
        errors.append(FieldError("/file", "missing", "Send one file, as a part named `file` with a filename."))
    if len(notes) > 1 or any(isinstance(note, UploadFile) for note in notes):
        errors.append(FieldError("/metadata", "invalid", "Send `metadata` once, as JSON text."))
    if errors:
        raise InvalidRequest(errors[0].detail, errors=errors)
    assert isinstance(file, UploadFile)
    if (file.size or 0) > max_bytes:
        raise _too_large("/file", max_bytes)
    handle = file.file

    async def read() -> bytes:
        return await asyncio.to_thread(_whole, handle)

    return Upload(
        pointer="/file",
        read=read,
        digest=await asyncio.to_thread(_digest, handle),
        filename=_clean_name(file.filename),
        metadata=_metadata(str(notes[0])) if notes else {},
    )


def _digest(handle: BinaryIO) -> bytes:
    """Of the file, a piece at a time: `hashlib.file_digest` does not take Starlette's temporary files."""
    handle.seek(0)
    digest = hashlib.sha256()
    while piece := handle.read(PIECE):
        digest.update(piece)
    return digest.digest()


def _whole(handle: BinaryIO) -> bytes:
    handle.seek(0)
    return handle.read()


def _metadata(text: str) -> dict[str, str]:
    try:
        return _METADATA.validate_json(text)
    except ValidationError as fault:
        raise InvalidRequest("Not valid: /metadata.", errors=field_errors(fault.errors(), "/metadata")) from fault


def _clean_name(name: str | None) -> str | None:
    """The last part of the path a browser may have sent, without what cannot be shown."""
    last = re.split(r"[/\\]", name or "")[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:255] or None


# --- JSON


async def _body(request: Request, max_bytes: int) -> bytes:
    limit = (max_bytes + 2) // 3 * 4 + SLACK
    body = bytearray()
    async for chunk in _capped(request, limit, _too_large("/base64", max_bytes)):
        body += chunk
    return bytes(body)


async def _from_json(body: bytes, max_bytes: int) -> Upload:
    try:
        order = AssetCreate.model_validate_json(body)
    except ValidationError as fault:
        found = fault.errors(include_input=False)
        if found[0]["type"] == "json_invalid":
            raise MalformedRequest(f"The body is not valid JSON: {found[0]['msg']}.") from fault
        shown = field_errors([{**error, "loc": ("body", *error["loc"])} for error in found])
        names = ", ".join(error.pointer or "the body" for error in shown[:5])
        raise InvalidRequest(f"Not valid: {names}.", errors=shown) from fault
    if "url" in order.model_fields_set:
        return Upload("/url", url=order.url, filename=order.filename, metadata=order.metadata)
    content = _decoded(order.base64)
    if len(content) > max_bytes:
        raise _too_large("/base64", max_bytes)

    async def read() -> bytes:
        return content

    digest = await asyncio.to_thread(lambda: hashlib.sha256(content).digest())
    return Upload("/base64", read=read, digest=digest, filename=order.filename, metadata=order.metadata)


def _decoded(text: str) -> bytes:
    if text[:5].lower() == "data:":
        prefix = _DATA_URI.match(text)
        if prefix is None:
            raise InvalidBase64.at("/base64", "This data: URI is not one in base64.")
        text = text[prefix.end() :]
    try:
        return base64.b64decode(text.translate(_SPACE), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise InvalidBase64.at("/base64", "This is not base64: letters, digits, + and /, padded with =.") from fault
