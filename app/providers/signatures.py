"""Callbacks that vendors sign: by a secret of the account, or by a key whose public half is there for all.

What signatures are checked with the vendor tells us itself. It is kept in memory, and asked for again when a signature
does not fit: the operator may have renewed it.
"""

import asyncio
import hashlib
import hmac
import re
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, ClassVar, Generic, TypeVar

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core.settings import Settings
from app.providers.base import Callback, ErrorCode, Forged, ProviderError, Transient
from app.providers.keys import NO_KEY, Key
from app.providers.vendor import Api, Vendor

TOLERANCE_SECONDS = 300
"""How far the vendor's clock and ours may be apart, delivery included."""
KEEP_SECONDS = 86_400.0
ASK_AGAIN_SECONDS = 60.0
"""What is older than this is asked for again when a signature does not fit."""
PAUSE_SECONDS = 5.0
"""Between two questions after one that failed, however many callbacks come."""
ANSWER_SECONDS = 5.0
"""Vendors wait for about 15 s for the answer to a callback."""
_LEAST_SECRET = 16
_SECONDS = re.compile(r"[0-9]{1,12}")

Proof = TypeVar("Proof")


class Source(Generic[Proof]):
    """What signatures are checked with, as the vendor told us."""

    def __init__(self, ask: Callable[[], Awaitable[Sequence[Proof]]]) -> None:
        self._ask = ask
        self._asking = asyncio.Lock()
        self._proofs: Sequence[Proof] = ()
        self._told_at = float("-inf")
        self._failed_at = float("-inf")

    async def told(self, max_age: float) -> Sequence[Proof]:
        """Not longer ago than that. Raises Transient where the vendor cannot be asked."""
        if self._age() > max_age:
            async with self._asking:
                if self._age() > max_age:
                    await self._renew()
        return self._proofs

    def _age(self) -> float:
        return monotonic() - self._told_at

    async def _renew(self) -> None:
        message = "The provider does not tell what its callbacks are signed with."
        if monotonic() - self._failed_at < PAUSE_SECONDS:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, message)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._proofs = await self._ask()
        except (ProviderError, TimeoutError):
            self._failed_at = monotonic()
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, message) from None
        self._told_at = monotonic()


class SecretSigned(Vendor):
    """Signs as Standard Webhooks has it: HMAC-SHA256 with a secret of each account, told at `signing_path`."""

    signing_path: ClassVar[str]

    def __init__(self, settings: Settings, *, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings, client=client)
        self._secrets = [Source(partial(self._ask_secret, key)) for key in self.keys]

    async def verify(self, callback: Callback) -> str:
        delivery, sent_at, signatures = _headers(callback, "webhook-id", "webhook-timestamp", "webhook-signature")
        _check_clock(sent_at, callback)
        text = b".".join((delivery.encode(), sent_at.encode(), callback.body))
        given = [one.removeprefix("v1,").encode() for one in signatures.split() if one.startswith("v1,")]

        def fits(secret: bytes) -> bool:
            made = b64encode(hmac.digest(secret, text, "sha256"))
            return any(hmac.compare_digest(made, one) for one in given)

        await _check(self._secrets, fits)
        return delivery

    async def _ask_secret(self, key: Key) -> Sequence[bytes]:
        reply = await Api(self, key).ask("GET", self.signing_path)
        match reply.json():
            case {"key": str(text)}:
                with suppress(ValueError):
                    secret = b64decode(text.removeprefix("whsec_"), validate=True)
                    if len(secret) >= _LEAST_SECRET:  # anybody can sign with an empty one
                        return [secret]
        raise reply.unreadable()


class KeySetSigned(Vendor):
    """Signs by Ed25519, with one of the keys of a set that is public: four headers, which begin with `signing_header`.

    The set may be of another host: BACKLOT_PROVIDERS_URLS has it as `<name>-keys`.
    """

    default_key_set_url: ClassVar[str]
    signing_header: ClassVar[str]

    def __init__(self, settings: Settings, *, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings, client=client)
        self._key_set_url = settings.providers.urls.get(f"{self.name}-keys", self.default_key_set_url)
        self._key_set = Source(self._ask_keys)

    async def verify(self, callback: Callback) -> str:
        names = (f"{self.signing_header}-{part}" for part in ("request-id", "user-id", "timestamp", "signature"))
        delivery, user, sent_at, given = _headers(callback, *names)
        _check_clock(sent_at, callback)
        text = "\n".join((delivery, user, sent_at, hashlib.sha256(callback.body).hexdigest())).encode()
        try:
            signature = bytes.fromhex(given)
        except ValueError:
            raise Forged("signature") from None

        def fits(key: Ed25519PublicKey) -> bool:
            try:
                key.verify(signature, text)
            except InvalidSignature:
                return False
            return True

        await _check([self._key_set], fits)
        return delivery

    async def _ask_keys(self) -> Sequence[Ed25519PublicKey]:
        reply = await Api(self, NO_KEY).look(self._key_set_url)
        match reply.json():
            case {"keys": [*listed]} if keys := [key for one in listed for key in _public_keys(one)]:
                return keys
        raise reply.unreadable()


def _public_keys(listed: Any) -> Sequence[Ed25519PublicKey]:
    """The key, where it is one of that kind: sets may hold others besides."""
    match listed:
        case {"kty": "OKP", "crv": "Ed25519", "x": str(text)}:
            with suppress(ValueError):
                return [Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))]
    return ()


def _headers(callback: Callback, *names: str) -> list[str]:
    """Raises Forged where one is missing."""
    for name in names:
        if not callback.headers.get(name):
            raise Forged(name)
    return [callback.headers[name] for name in names]


def _check_clock(sent_at: str, callback: Callback) -> None:
    """What was signed long ago may be somebody's copy."""
    if not _SECONDS.fullmatch(sent_at) or abs(callback.received_at.timestamp() - int(sent_at)) > TOLERANCE_SECONDS:
        raise Forged("timestamp")


async def _check(sources: Sequence[Source[Proof]], fits: Callable[[Proof], bool]) -> None:
    """By what is known first, then by what may have changed. Raises Forged; Transient where nobody can tell now."""
    fault: Transient | None = None
    for max_age in (KEEP_SECONDS, ASK_AGAIN_SECONDS):
        for source in sources:
            try:
                if any(fits(proof) for proof in await source.told(max_age)):
                    return
            except Transient as unknown:
                fault = unknown
    raise fault or Forged("signature")
