"""What an issuer publishes for all: its endpoints and its keys. Kept as long as it says, and asked for again with
restraint, whatever tokens come."""

import asyncio
import re
from time import monotonic
from typing import Any

import httpx
import structlog

from app.accounts.identities.errors import OauthProviderUnavailable
from app.core.egress import Egress, EgressError

log = structlog.get_logger()

LEAST_SECONDS, USUAL_SECONDS, MOST_SECONDS = 60.0, 600.0, 86_400.0
COOLDOWN_SECONDS = 60.0
"""What is older than this may be asked for once more when it lacks something."""
PAUSE_SECONDS = 5.0
"""Between two questions after one that failed, however many sign in."""
MAX_BYTES = 256 * 1024
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})")


class Document:
    """A JSON object at a URL."""

    def __init__(self, egress: Egress, url: str) -> None:
        self.url = url
        self._egress = egress
        self._asking = asyncio.Lock()
        self._content: dict[str, Any] = {}
        self._told_at = self._good_until = self._failed_at = float("-inf")

    async def read(self) -> dict[str, Any]:
        """As it was told at most so long ago as it allows. Raises OauthProviderUnavailable."""
        if monotonic() >= self._good_until:
            async with self._asking:
                if monotonic() >= self._good_until:
                    await self._ask()
        return self._content

    async def read_again(self) -> dict[str, Any]:
        """For who misses something in it: as it was told within the last minute. Raises OauthProviderUnavailable."""
        if monotonic() - self._told_at >= COOLDOWN_SECONDS:
            async with self._asking:
                if monotonic() - self._told_at >= COOLDOWN_SECONDS:
                    await self._ask()
        return self._content

    async def _ask(self) -> None:
        if monotonic() - self._failed_at < PAUSE_SECONDS:
            raise OauthProviderUnavailable
        request = self._egress.client.build_request("GET", self.url, headers={"Accept": "application/json"})
        try:
            answer = await self._egress.exchange(request, max_bytes=MAX_BYTES)
            content = answer.json() if answer.status_code == httpx.codes.OK else None
        except (EgressError, ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            self._failed_at = monotonic()
            log.warning("oauth_unavailable", url=self.url)
            raise OauthProviderUnavailable
        found = _MAX_AGE.search(answer.headers.get("cache-control", "").lower())
        seconds = float(found[1]) if found else USUAL_SECONDS
        self._content, self._told_at = content, monotonic()
        self._good_until = self._told_at + min(max(seconds, LEAST_SECONDS), MOST_SECONDS)


class KeySet:
    """The public keys of an issuer (RFC 7517)."""

    def __init__(self, document: Document) -> None:
        self._document = document

    async def find(self, kid: str) -> dict[str, Any] | None:
        """The key of that name. One that is unknown is looked for once more. Raises OauthProviderUnavailable."""
        return _pick(await self._document.read(), kid) or _pick(await self._document.read_again(), kid)


def _pick(content: dict[str, Any], kid: str) -> dict[str, Any] | None:
    keys = content.get("keys")
    named = [key for key in keys if isinstance(key, dict) and key.get("kid") == kid] if isinstance(keys, list) else []
    return named[0] if named else None
