"""Who holds which API key, remembered by each process, so that most requests need not ask the database.

What is remembered is at most FRESH_SECONDS old, and at most ALONE_SECONDS while no change can be told to this process.
A change (a key revoked, a user suspended) is told to all processes after its commit; see `tell`. Of a key its SHA-256
is kept, never its text; unknown keys are not remembered.
"""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from time import monotonic, time
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import InvalidApiKey
from app.accounts.keys import queries, secrets, service
from app.accounts.schemas import CallerInfo
from app.core import queue
from app.core.bells import Listener
from app.core.db import UNREACHABLE, Database

log = structlog.get_logger()

CHANNEL = "backlot:callers"
FRESH_SECONDS = 20.0
ALONE_SECONDS = 2.0
MOST = 20_000
TOUCH_SECONDS = 60.0
"""`last_used_at` is written once in so long."""
GATHER_SECONDS = 1.0
"""How long uses are gathered before they are written together."""


def tell(session: AsyncSession, changed: UUID) -> None:
    """After the commit, have every process look again at the callers whose key, user or workspace this is."""
    queue.publish(session, CHANNEL, str(changed))


@dataclass(slots=True)
class _Known:
    caller: CallerInfo
    key_id: UUID
    expires_at: float
    touched_at: float
    read_at: float
    """Monotonic; the others are Unix time."""


class KeyCache:
    """The callers this process knows; one per process."""

    def __init__(self, database: Database, redis: ArqRedis) -> None:
        self._database = database
        self._listener = Listener(redis, CHANNEL, heard=self._heard, joined=self.forget_all)
        self._known: dict[bytes, _Known] = {}
        self._changes = 0
        self._used: set[UUID] = set()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._listener.start()

    async def close(self) -> None:
        """Writes what is still to be written."""
        await self._listener.close()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        await self._write_uses()

    async def find(self, text: str) -> CallerInfo:
        """Who holds this key. Raises InvalidApiKey, AccountSuspended, or what the database raises."""
        digest, now = sha256(text.encode()).digest(), time()
        known = self._known.get(digest)
        if known is None or monotonic() - known.read_at >= self._life():
            known = await self._look_up(digest, text)
        elif now >= known.expires_at:
            raise InvalidApiKey("This API key has expired.")
        else:
            self._known[digest] = self._known.pop(digest)  # the one unused for longest stands first
        if now - known.touched_at >= TOUCH_SECONDS:
            known.touched_at = now
            self._note_use(known.key_id)
        return known.caller

    def forget(self, changed: UUID) -> None:
        """Look again at the callers whose key, user or workspace this is."""
        self._changes += 1
        gone = [
            digest
            for digest, known in self._known.items()
            if changed in (known.caller.key_id, known.caller.user_id, known.caller.workspace_id)
        ]
        for digest in gone:
            del self._known[digest]

    def forget_all(self) -> None:
        self._changes += 1
        self._known.clear()

    def _heard(self, message: str) -> None:
        for word in message.split():
            try:
                self.forget(UUID(word))
            except ValueError:
                self.forget_all()

    def _life(self) -> float:
        return FRESH_SECONDS if self._listener.is_connected else ALONE_SECONDS

    async def _look_up(self, digest: bytes, text: str) -> _Known:
        read_at, changes = monotonic(), self._changes
        self._known.pop(digest, None)
        parsed = secrets.parse(text)
        row = await queries.find_key_with_user(self._database, parsed.id) if parsed else None
        caller = service.admit(parsed, row)
        assert row is not None  # else nobody was admitted
        expires_at, last_used_at = row["expires_at"], row["last_used_at"]
        known = _Known(
            caller,
            row["id"],
            expires_at.timestamp() if expires_at else inf,
            last_used_at.timestamp() if last_used_at else 0.0,
            read_at,
        )
        if changes == self._changes:  # else what we read may be older than what we were told
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[digest] = known
        return known

    def _note_use(self, key_id: UUID) -> None:
        self._used.add(key_id)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon(), name="uses of keys")

    async def _write_soon(self) -> None:
        while self._used:
            await asyncio.sleep(GATHER_SECONDS)
            await self._write_uses()

    async def _write_uses(self) -> None:
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await queries.touch_keys(self._database, list(used))
        except UNREACHABLE as fault:
            log.warning("uses_of_keys_lost", count=len(used), error=repr(fault))
