"""Who is behind which credential, remembered by each process, so that most requests need not ask the database.

What is remembered is at most FRESH_SECONDS old, and at most ALONE_SECONDS while no change can be told to this process.
A change (a key revoked, a session ended, a user suspended) is told to all processes after its commit; see
`app.accounts.changes`. Of a credential a SHA-256 is kept, never its text; unknown ones are not remembered.

This tells who is calling. Whether they may do what they ask, now and from there, is asked for each request in
`app.accounts.caller`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic, time
from uuid import UUID

import structlog
from arq.connections import ArqRedis

from app.accounts.changes import CHANNEL
from app.accounts.issuers import queries as issuers
from app.accounts.issuers.trust import Issuers
from app.accounts.keys import queries as keys
from app.accounts.recognition import Credential, Kind, Place, Recognised, Recogniser
from app.accounts.schemas import CallerInfo
from app.accounts.sessions import queries as sessions
from app.accounts.sessions.keyring import Keyring
from app.core.bells import Listener
from app.core.db import UNREACHABLE, Database
from app.core.settings import Settings
from app.core.visitor import Visitor

log = structlog.get_logger()

FRESH_SECONDS = 20.0
ALONE_SECONDS = 2.0
MOST = 20_000
TOUCH_SECONDS = 60.0
"""`last_used_at` is written once in so long."""
GATHER_SECONDS = 1.0
"""How long uses are gathered before they are written together."""

_TOUCH: dict[Kind, Callable[[Database, Sequence[UUID], Sequence[str]], Awaitable[None]]] = {
    Kind.KEY: lambda database, ids, ips: keys.touch_keys(database, ids, ips),
    Kind.SESSION: lambda database, ids, _: sessions.touch_sessions(database, ids),
    Kind.IDENTITY: lambda database, ids, _: issuers.touch_identities(database, ids),
}


@dataclass(slots=True)
class _Known:
    found: Recognised
    touched_at: float
    """Unix time."""
    read_at: float
    """Monotonic."""


class CallerCache:
    """The callers this process knows; one per process."""

    def __init__(self, settings: Settings, database: Database, redis: ArqRedis) -> None:
        self.keyring = Keyring(settings, database)
        self.issuers = Issuers(settings)
        self._database = database
        self._recogniser = Recogniser(settings, database, self.keyring, self.issuers)
        self._listener = Listener(redis, CHANNEL, heard=self._heard, joined=self.forget_all)
        self._known: dict[bytes, _Known] = {}
        self._changes = 0
        self._used: dict[tuple[Kind, UUID], str] = {}
        """With the address it was used from."""
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
        await self.issuers.close()

    async def find(
        self,
        text: str,
        workspace_id: UUID | None = None,
        place: Place = "bearer",
        *,
        visitor: Callable[[], Visitor] = Visitor.unknown,
    ) -> CallerInfo:
        """Who shows this, for that workspace. `visitor` tells where from, when that is to be written.

        Raises the problem that tells why they are not let in, or what the database raises.
        """
        digest, now = _digest(text, workspace_id, place), time()
        known = self._known.get(digest)
        if known is None or monotonic() - known.read_at >= self._life() or now >= known.found.expires_at:
            known = await self._look_up(digest, Credential(text, workspace_id, place), visitor)
        else:
            self._known[digest] = self._known.pop(digest)  # the one unused for longest stands first
        if now - known.touched_at >= TOUCH_SECONDS:
            known.touched_at = now
            self._note_use(known.found, visitor().ip)
        return known.found.caller

    def forget(self, changed: UUID) -> None:
        """Look again at the callers whose key, session, user or workspace this is."""
        self._changes += 1
        gone = [digest for digest, known in self._known.items() if _is_of(known.found.caller, changed)]
        for digest in gone:
            del self._known[digest]

    def forget_all(self) -> None:
        self._changes += 1
        self._known.clear()
        self.keyring.forget()

    def _heard(self, message: str) -> None:
        for word in message.split():
            try:
                self.forget(UUID(word))
            except ValueError:
                self.forget_all()

    def _life(self) -> float:
        return FRESH_SECONDS if self._listener.is_connected else ALONE_SECONDS

    async def _look_up(self, digest: bytes, shown: Credential, visitor: Callable[[], Visitor]) -> _Known:
        read_at, changes = monotonic(), self._changes
        self._known.pop(digest, None)
        found = await self._recogniser.recognise(shown, visitor)
        known = _Known(found, found.last_used_at, read_at)
        if changes == self._changes:  # else what we read may be older than what we were told
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[digest] = known
        return known

    def _note_use(self, found: Recognised, ip: str) -> None:
        self._used[found.kind, found.id] = ip
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon(), name="uses of credentials")

    async def _write_soon(self) -> None:
        while self._used:
            await asyncio.sleep(GATHER_SECONDS)
            await self._write_uses()

    async def _write_uses(self) -> None:
        used, self._used = self._used, {}
        for kind, touch in _TOUCH.items():
            if not (ids := [one for of, one in used if of == kind]):
                continue
            try:
                await touch(self._database, ids, [used[kind, one] for one in ids])
            except UNREACHABLE as fault:
                log.warning("uses_lost", kind=kind, count=len(ids), error=repr(fault))


_PLACES: dict[Place, bytes] = {"bearer": b"b", "key": b"k", "cookie": b"c"}


def _digest(text: str, workspace_id: UUID | None, place: Place) -> bytes:
    """What stands for a credential: the same text elsewhere, or for another workspace, is another."""
    workspace = b"w" + workspace_id.bytes if workspace_id else b"-"
    return sha256(b"%b%b%b" % (_PLACES[place], workspace, text.encode())).digest()


def _is_of(caller: CallerInfo, changed: UUID) -> bool:
    return changed in (caller.key_id, caller.session_id, caller.user_id, caller.workspace_id)
