"""Lists: newest first, by an opaque cursor that stays true while rows are added.

All lists are ordered by (created_at, id) descending; ids are UUIDv7, so a cursor is the last row's pair, and a mark of
the list it belongs to: the cursor of another one would be answered with rows nobody asked for.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from app.core.problems import InvalidCursor

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Page(BaseModel, Generic[T]):
    """One page of a list, newest first."""

    data: list[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


@dataclass(frozen=True, slots=True)
class Position:
    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class PageRequest:
    limit: int
    after: Position | None
    path: str = ""
    """Of the list."""


def _mark(path: str) -> bytes:
    return sha256(path.encode()).digest()[:6]


def encode_cursor(position: Position, path: str) -> str:
    micros = (position.created_at - EPOCH) // timedelta(microseconds=1)
    raw = _mark(path) + micros.to_bytes(8, "big") + position.id.bytes
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(text: str, path: str) -> Position:
    """Raises InvalidCursor."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if len(raw) != 30 or raw[:6] != _mark(path):
            raise ValueError(len(raw))
        created_at = EPOCH + timedelta(microseconds=int.from_bytes(raw[6:14], "big"))
    except (ValueError, binascii.Error, OverflowError) as fault:
        raise InvalidCursor.at("query:cursor", "Not a cursor of this list.") from fault
    return Position(created_at, UUID(bytes=raw[14:]))


def _page_request(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100, description="How many, at most.")] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the previous page.")] = None,
) -> PageRequest:
    path = request.url.path
    return PageRequest(limit, decode_cursor(cursor, path) if cursor else None, path)


PageParams = Annotated[PageRequest, Depends(_page_request)]


def cut(rows: Sequence[T], page: PageRequest) -> tuple[list[T], str | None]:
    """Of `limit + 1` rows fetched: those of this page, and the next cursor. Rows have created_at and id."""
    if len(rows) <= page.limit:
        return list(rows), None
    shown = list(rows[: page.limit])
    last = shown[-1]
    return shown, encode_cursor(Position(last.created_at, last.id), page.path)  # type: ignore[attr-defined]
