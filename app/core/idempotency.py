"""`Idempotency-Key`: one request, one effect, one answer, for 24 hours and across crashes.

A key is claimed in a transaction of its own before anything happens. The answer is written in the transaction of the
effect, so the two are kept or lost together; a claim left behind by a dead process is free again after
CLAIM_SECONDS, since its effect never happened. Answers rest encrypted: one may hold the secret of a new API key.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from cryptography.fernet import InvalidToken
from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import Index, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Database
from app.core.problems import IdempotencyKeyInFlight, IdempotencyKeyReused, MalformedRequest
from app.core.sealing import Sealer

LIFE = timedelta(hours=24)
CLAIM_SECONDS = 90
RETRY_SECONDS = 2
FORGET_AT_ONCE = 5_000


class IdempotencyKey(Base):
    """A key in use. `status` is null while its request runs."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "expires_at"),)

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    claim: Mapped[UUID]
    claimed_until: Mapped[datetime]
    expires_at: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None]
    task_id: Mapped[UUID | None]
    """Instead of headers and body: the answer is this task as it was when ordered."""
    batch_id: Mapped[UUID | None]
    """The same of a batch."""


_PRIMARY = (IdempotencyKey.workspace_id, IdempotencyKey.mode, IdempotencyKey.key)


@dataclass(frozen=True, slots=True)
class Claim:
    """A caller's key and what it stands for, for those who claim it in the statement of the effect itself."""

    key: str
    fingerprint: bytes


class Replay(Exception):
    """The answer is already known: the handler in `app.main` sends it again."""

    def __init__(self, response: Response) -> None:
        super().__init__("replay")
        self.response = response


def fingerprint(*parts: bytes | str) -> bytes:
    """The hash of what makes two requests the same."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def canonical(body: bytes) -> bytes:
    """JSON with sorted keys and no spaces; other bodies as they are."""
    try:
        return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return body


def read_key(header: str | None) -> str | None:
    """The key, with or without the quotes of the IETF draft. Raises MalformedRequest."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise MalformedRequest.at(
            "header:Idempotency-Key", "Idempotency-Key must be 1 to 255 printable ASCII characters."
        )
    return key


class Once:
    """The claim on one key, or nothing at all when the caller sent none."""

    def __init__(self, row: Mapping[str, Any] | None, sealer: Sealer) -> None:
        self._row = row
        self._sealer = sealer

    async def answer(
        self, session: AsyncSession, status: int, body: BaseModel | bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The response, recorded in the transaction of the effect."""
        content = body if isinstance(body, bytes) else body.model_dump_json().encode()
        response = Response(content, status, dict(headers or {}), "application/json")
        if self._row is not None:
            kept = await session.execute(
                update(IdempotencyKey)
                .where(*_is(self._row), IdempotencyKey.claim == self._row["claim"])
                .values(status=status, headers=dict(headers or {}), body=self._sealer.seal(content))
            )
            if kept.rowcount != 1:  # type: ignore[attr-defined]
                raise in_flight()  # we were slow and another took over: undo ours
        return response


def _is(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        IdempotencyKey.workspace_id == row["workspace_id"],
        IdempotencyKey.mode == row["mode"],
        IdempotencyKey.key == row["key"],
    )


def in_flight() -> IdempotencyKeyInFlight:
    """The problem that tells when to ask again."""
    return IdempotencyKeyInFlight(headers={"Retry-After": str(RETRY_SECONDS)})


async def _claim(session: AsyncSession, sealer: Sealer, row: Mapping[str, Any]) -> None:
    """Take the key, or raise Replay, IdempotencyKeyReused or IdempotencyKeyInFlight."""
    now = clock.now()
    fresh = insert(IdempotencyKey).values(**row)
    taken = await session.execute(
        fresh.on_conflict_do_update(
            index_elements=["workspace_id", "mode", "key"],
            set_={column: fresh.excluded[column] for column in ("fingerprint", "claim", "claimed_until", "expires_at")}
            | {"status": None, "headers": None, "body": None, "task_id": None, "batch_id": None},
            where=(IdempotencyKey.expires_at < now)
            | (
                IdempotencyKey.status.is_(None)
                & (IdempotencyKey.claimed_until < now)
                & (IdempotencyKey.fingerprint == row["fingerprint"])
            ),
        ).returning(IdempotencyKey.claim)
    )
    if taken.first() is not None:
        return
    held = (await session.execute(select(IdempotencyKey).where(*_is(row)))).scalar_one_or_none()
    if held is None:
        raise in_flight()
    if held.fingerprint != row["fingerprint"]:
        raise IdempotencyKeyReused.at("header:Idempotency-Key", IdempotencyKeyReused.title())
    if held.status is None:
        raise in_flight()
    headers = {**(held.headers or {}), "Idempotency-Replayed": "true"}
    try:
        content = sealer.open(held.body or b"")
    except InvalidToken:
        raise IdempotencyKeyReused(
            "The answer to this key was sealed with another secret and cannot be read."
        ) from None
    raise Replay(Response(content, held.status, headers, "application/json"))


@asynccontextmanager
async def once(
    database: Database,
    sealer: Sealer,
    *,
    workspace_id: UUID,
    mode: Literal["live", "test"],
    key: str | None,
    fingerprint: bytes,
) -> AsyncIterator[Once]:
    """Hold the key while the request runs; let it go when the request fails, so that a mended one may pass."""
    if key is None:
        yield Once(None, sealer)
        return
    now = clock.now()
    row = {
        "workspace_id": workspace_id,
        "mode": mode,
        "key": key,
        "fingerprint": fingerprint,
        "claim": uuid4(),
        "claimed_until": now + timedelta(seconds=CLAIM_SECONDS),
        "expires_at": now + LIFE,
    }
    async with database.transaction() as session:
        await _claim(session, sealer, row)
    try:
        yield Once(row, sealer)
    except BaseException:
        async with database.transaction() as session:
            await session.execute(
                delete(IdempotencyKey).where(
                    *_is(row), IdempotencyKey.claim == row["claim"], IdempotencyKey.status.is_(None)
                )
            )
        raise


async def forget_expired(database: Database) -> int:
    """Delete keys past their 24 hours, some at a time; how many. Those in use at the moment are left for later."""
    old = select(*_PRIMARY).where(IdempotencyKey.expires_at < func.now()).limit(FORGET_AT_ONCE)
    some = delete(IdempotencyKey).where(tuple_(*_PRIMARY).in_(old.with_for_update(skip_locked=True)))
    forgotten = 0
    while True:
        async with database.transaction() as session:
            gone: int = (await session.execute(some)).rowcount  # type: ignore[attr-defined]
        forgotten += gone
        if gone < FORGET_AT_ONCE:
            return forgotten
