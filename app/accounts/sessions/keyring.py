"""The keys that sign access tokens: made when first needed, changed for new ones, read again by every process."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_bytes
from time import monotonic

from cryptography.fernet import InvalidToken
from jose import jwk
from jose.backends.base import Key
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import SYSTEM, Actor
from app.accounts.sessions import queries
from app.core import clock
from app.core.db import Database
from app.core.ids import encode, new_id
from app.core.sealing import Sealer
from app.core.settings import Settings

ALGORITHM = "HS256"
"""Of all access tokens, whatever they say."""
READ_SECONDS = 60.0
"""What was read is believed for so long: so long a process may still sign with a key that was retired."""
LIFE = timedelta(days=30)
"""A key signs for so long."""
PAUSE_SECONDS = 5.0
"""Between two looks for a key nobody knows, whatever tokens come."""
_SECRET_BYTES = 64


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    key: Key


def overlap_seconds(settings: Settings) -> float:
    """How long a retired key verifies: until the last token it may have signed has expired."""
    return settings.auth.access_seconds + 2 * READ_SECONDS


def new_key(settings: Settings) -> tuple[str, bytes]:
    """A name and a sealed secret."""
    return encode("sig", new_id()), Sealer(settings, "signing keys").seal(token_bytes(_SECRET_BYTES))


async def rotate(
    session: AsyncSession, settings: Settings, *, at_once: bool = False, actor: Actor = SYSTEM
) -> str | None:
    """Sign with a new key from now on; its name, or None when somebody else made one just now.

    Tokens of the old one are good until they expire; `at_once` none is, and clients have to refresh.
    """
    if at_once:
        await queries.drop_signing_keys(session)
    await queries.retire_signing_key(session)
    kid, secret = new_key(settings)
    is_ours = await queries.put_signing_key(session, kid, secret)
    if is_ours:
        audit.record(session, actor, "signing_key.changed", workspace_id=None, data={"at_once": at_once})
    changes.tell_all(session)
    return kid if is_ours else None


async def keep_house(database: Database, settings: Settings) -> None:
    """Change a key that has signed for long enough, and delete those that verify nothing any more."""
    async with database.transaction() as session:
        made_at = await queries.signing_key_made_at(session)
        if made_at is not None and made_at < clock.now() - LIFE:
            await rotate(session, settings)
    async with database.transaction() as session:
        gone = clock.now() - timedelta(seconds=overlap_seconds(settings)) - timedelta(days=1)
        await queries.delete_retired_signing_keys(session, gone)


class Keyring:
    """The keys this process knows; one per process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._reading = asyncio.Lock()
        self._keys: dict[str, Key] = {}
        self._signer: SigningKey | None = None
        self._read_at = float("-inf")
        self._changes = 0

    def forget(self) -> None:
        """Read them again when next one is needed."""
        self._changes += 1
        self._read_at = float("-inf")

    async def signer(self) -> SigningKey:
        """The key that signs now, made if there is none. Raises what the database raises."""
        await self._read(READ_SECONDS)
        if self._signer is None:
            await queries.add_signing_key(self._database, *new_key(self._settings))
            await self._read(0)
        if self._signer is None:
            # Sealed with another BACKLOT_SECRET: what it signed is lost, as all that was sealed.
            async with self._database.transaction() as session:
                await rotate(session, self._settings)
            await self._read(0)
        if self._signer is None:
            raise LookupError("the signing key vanished while being made")
        return self._signer

    async def find(self, kid: str) -> Key | None:
        """The key of that name, if it still verifies. Raises what the database raises."""
        await self._read(READ_SECONDS)
        if kid not in self._keys:
            await self._read(PAUSE_SECONDS)
        return self._keys.get(kid)

    async def _read(self, at_most: float) -> None:
        """Know what was so at most so many seconds ago; one asks for all who wait."""
        begun = monotonic()
        if self._read_at > begun - at_most:
            return
        async with self._reading:
            if self._read_at > begun - at_most:
                return
            read_at, changes = monotonic(), self._changes
            rows = await queries.list_signing_keys(self._database, overlap_seconds(self._settings))
            sealer = Sealer(self._settings, "signing keys")
            keys, signer = {}, None
            for row in rows:
                try:
                    key = jwk.construct(sealer.open(row["secret"]), ALGORITHM)
                except InvalidToken:
                    continue
                keys[row["kid"]] = key
                if row["retired_at"] is None:
                    signer = SigningKey(row["kid"], key)
            self._keys, self._signer = keys, signer
            if changes == self._changes:  # else what we read may be older than what we were told
                self._read_at = read_at
