"""Whom a credential stands for: an API key, an access token, a session cookie, or a token of another issuer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Literal
from uuid import UUID

from app.accounts.errors import InvalidToken, SessionRevoked, WorkspaceNotFound
from app.accounts.issuers import queries as issuer_queries
from app.accounts.issuers import service as issuers
from app.accounts.issuers.trust import Issuers, Outsider
from app.accounts.keys import queries as key_queries
from app.accounts.keys import secrets
from app.accounts.keys import service as keys
from app.accounts.schemas import CallerInfo
from app.accounts.sessions import access, tokens
from app.accounts.sessions import queries as session_queries
from app.accounts.sessions import service as sessions
from app.accounts.sessions.keyring import Keyring
from app.core import jwt
from app.core.db import Database
from app.core.jwt import InvalidJwt
from app.core.settings import Settings
from app.core.visitor import Visitor

Place = Literal["bearer", "key", "cookie"]
"""Where it stands: `Authorization: Bearer`, `X-API-Key`, or the session cookie."""


class Kind(StrEnum):
    """What it is whose use is noted."""

    KEY = "key"
    SESSION = "session"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request shows, and the workspace it asks for."""

    text: str
    workspace_id: UUID | None = None
    place: Place = "bearer"


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who it is, and how long that holds."""

    caller: CallerInfo
    kind: Kind
    id: UUID
    expires_at: float
    """Unix time, as `last_used_at`."""
    last_used_at: float


class Recogniser:
    """Asks the database, each time; `CallerCache` remembers."""

    def __init__(self, settings: Settings, database: Database, keyring: Keyring, issuers: Issuers) -> None:
        self._settings = settings
        self._issuers = issuers
        self._database = database
        self._keyring = keyring

    async def recognise(self, shown: Credential, visitor: Callable[[], Visitor]) -> Recognised:
        """Raises the problem that tells why nobody is let in, or what the database raises.

        `visitor` tells where they are who come for the first time.
        """
        if shown.place == "cookie":
            return await self._by_cookie(shown)
        if shown.place == "bearer" and "." in shown.text:  # as in all signed tokens and in no key
            return await self._by_token(shown, visitor)
        return await self._by_key(shown)

    async def _by_key(self, shown: Credential) -> Recognised:
        parsed = secrets.parse(shown.text)
        row = await key_queries.find_key_with_user(self._database, parsed.id) if parsed else None
        caller = keys.admit(parsed, row)
        assert row is not None  # else nobody was admitted
        if shown.workspace_id not in (None, caller.workspace_id):
            raise WorkspaceNotFound("This API key is of another workspace than `X-Workspace-Id` says.")
        return Recognised(caller, Kind.KEY, row["id"], _unix(caller.ends_at, inf), _unix(row["last_used_at"], 0))

    async def _by_cookie(self, shown: Credential) -> Recognised:
        presented = tokens.read_cookie(shown.text)
        row = await self._session(presented.session_id, shown) if presented else None
        if presented is None or row is None or not tokens.is_cookie(self._settings, presented, row["nonce"]):
            raise SessionRevoked("The session cookie is none of ours. Sign in again.")
        return _signed_in(row, inf)

    async def _by_token(self, shown: Credential, visitor: Callable[[], Visitor]) -> Recognised:
        try:
            head = jwt.peek(shown.text)
            if head.issuer != self._settings.api.public_url:
                return await self._of_other_issuer(shown, await self._issuers.read(shown.text, head), visitor)
            claims = await access.read(self._settings, self._keyring, shown.text, head)
            session_id, user_id = access.session_of(claims)
        except InvalidJwt as fault:
            raise InvalidToken(f"The access token is not good: {fault}.") from None
        row = await self._session(session_id, shown)
        if row is not None and row["user_id"] != user_id:
            raise InvalidToken("The access token is of another user than its session.")
        return _signed_in(row, jwt.expiry(claims))

    async def _of_other_issuer(
        self, shown: Credential, outsider: Outsider, visitor: Callable[[], Visitor]
    ) -> Recognised:
        name = (outsider.issuer.issuer, outsider.subject)
        row = await issuer_queries.find_identity_with_user(self._database, *name, shown.workspace_id)
        if row is None:
            async with self._database.transaction() as session:
                await issuers.settle_in(session, self._settings, outsider, visitor())
            row = await issuer_queries.find_identity_with_user(self._database, *name, shown.workspace_id)
        if row is None:
            raise InvalidToken("The token's user was unlinked just now.")
        caller = sessions.caller_of(row)
        return Recognised(caller, Kind.IDENTITY, row["id"], outsider.expires_at, _unix(row["last_used_at"], 0))

    async def _session(self, session_id: UUID, shown: Credential) -> Mapping[str, Any] | None:
        return await session_queries.find_session_with_user(self._database, session_id, shown.workspace_id)


def _signed_in(row: Mapping[str, Any] | None, expires_at: float) -> Recognised:
    caller = sessions.admit(row)
    assert row is not None  # else nobody was admitted
    return Recognised(
        caller, Kind.SESSION, row["id"], min(expires_at, _unix(row["expires_at"], inf)), _unix(row["last_used_at"], 0)
    )


def _unix(moment: Any, default: float) -> float:
    return float(moment.timestamp()) if moment else default
