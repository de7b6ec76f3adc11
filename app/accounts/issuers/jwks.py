"""The public keys of an issuer (RFC 7517): fetched when needed, kept while it is down."""

import asyncio
import json
from collections.abc import Mapping
from time import monotonic
from typing import Any

import structlog
from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError

from app.core.egress import Egress, EgressError
from app.core.problems import DependencyDown

log = structlog.get_logger()

FRESH_SECONDS = 600.0
"""What was fetched is good for so long; Supabase's own cache is of the same age."""
COOLDOWN_SECONDS = 30.0
"""Between two fetches, whatever tokens come: for a key nobody knows, and after a failure."""
KEPT_SECONDS = 86_400.0
"""So long what was fetched last is believed of an issuer that does not answer."""
FETCH_SECONDS = 5.0
MAX_BYTES = 256 * 1024
_KINDS = {"RS256": "RSA", "ES256": "EC"}


class KeySet:
    """Of one URL; one per process."""

    def __init__(self, egress: Egress, url: str) -> None:
        self._egress = egress
        self._url = url
        self._fetching = asyncio.Lock()
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._fetched_at = self._tried_at = float("-inf")

    async def find(self, kid: str, algorithm: str) -> Key | None:
        """The key of that name, for that algorithm; one that is unknown is looked for once more.

        Raises DependencyDown when nobody can tell.
        """
        await self._fetch(FRESH_SECONDS)
        if kid not in self._keys:
            await self._fetch(COOLDOWN_SECONDS)
        if monotonic() - self._fetched_at > KEPT_SECONDS:
            raise DependencyDown("The keys of the token's issuer cannot be fetched just now.")
        found = self._keys.get(kid)
        return _key(found, algorithm) if found is not None else None

    async def _fetch(self, at_most: float) -> None:
        """Know what was so at most so many seconds ago; one fetches for all who wait. Failing is no fault here."""
        begun = monotonic()
        if begun - self._fetched_at < at_most:
            return
        async with self._fetching:
            now = monotonic()
            if now - self._fetched_at < at_most or now - self._tried_at < COOLDOWN_SECONDS:
                return
            self._tried_at = now
            try:
                answer = await self._egress.fetch(self._url, max_bytes=MAX_BYTES, total_seconds=FETCH_SECONDS)
                keys = _read(answer.content)
            except (EgressError, ValueError, RecursionError) as fault:
                log.warning("keys_of_issuer_not_fetched", url=self._url, error=repr(fault))
                return
            self._keys, self._fetched_at = keys, now


def _read(content: bytes) -> dict[str, Mapping[str, Any]]:
    """Raises ValueError."""
    document = json.loads(content)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("not a set of keys")
    return {
        key["kid"]: key
        for key in listed
        if isinstance(key, dict) and isinstance(key.get("kid"), str) and key.get("kty") in _KINDS.values()
    }


def _key(found: Mapping[str, Any], algorithm: str) -> Key | None:
    """None when it is published for something else."""
    if found.get("kty") != _KINDS[algorithm] or found.get("alg", algorithm) != algorithm:
        return None
    if found.get("use", "sig") != "sig" or "d" in found:
        return None
    try:
        return jwk.construct(dict(found), algorithm)
    except (JOSEError, ValueError, TypeError):
        return None
