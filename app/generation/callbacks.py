"""Being called back by providers: a URL for each attempt that carries its own proof, and what a call to it does.

Nothing a caller says is believed, signed or not. It is kept for a week; the one effect is that the attempt's task is
looked at sooner.
"""

import hmac
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from app.core.db import UNREACHABLE, Database
from app.core.ids import decode, encode, new_id
from app.core.problems import DependencyDown
from app.core.sealing import derive_key
from app.core.settings import Settings
from app.generation import inbound_queries, jobs
from app.generation.errors import CallbackRefused
from app.generation.models import MOST_CALLBACK_BYTES
from app.providers.base import Callback, Forged, ProviderError, Verifies
from app.providers.catalog import Catalog

log = structlog.get_logger()
PURPOSE = "inbound callbacks"
_PROOF_LENGTH = 32
_PAUSE = timedelta(seconds=1)
"""However often a provider calls, its job is asked after once in that time."""
_KEPT_FOR = timedelta(days=7)
MOST_KEPT = 100
"""Of one attempt: some providers call at each bit of progress. Polling makes up for the rest."""


def base_url(settings: Settings) -> str | None:
    """Where providers reach this installation; None where they cannot, as far as one can tell: they are polled then."""
    if settings.providers.callback_url:
        return settings.providers.callback_url.rstrip("/")
    parts = urlsplit(settings.api.public_url)
    return settings.api.public_url.rstrip("/") if parts.scheme == "https" and _is_public(parts.hostname or "") else None


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))


def url(settings: Settings, provider: str, attempt_id: UUID) -> str | None:
    """For the provider to call (POST) when the attempt's job has ended; None: it is polled only."""
    base = base_url(settings)
    return f"{base}/v1/inbound/{provider}/{token(settings, provider, attempt_id)}" if base else None


def token(settings: Settings, provider: str, attempt_id: UUID) -> str:
    name = encode("att", attempt_id)
    return f"{name}.{_proof(settings, provider, name)}"


def attempt_of(settings: Settings, provider: str, token: str) -> UUID | None:
    """The attempt a token was made for; None when we made it for no attempt of that provider."""
    name, _, proof = token.partition(".")
    if not hmac.compare_digest(proof.encode(), _proof(settings, provider, name).encode()):
        return None
    try:
        return decode("att", name)
    except ValueError:
        return None


def _proof(settings: Settings, provider: str, name: str) -> str:
    message = f"{provider}\n{name}".encode()
    return hmac.new(derive_key(settings, PURPOSE), message, sha256).hexdigest()[:_PROOF_LENGTH]


async def receive(
    database: Database, settings: Settings, catalog: Catalog, provider: str, attempt_id: UUID, callback: Callback
) -> None:
    """Keep what the attempt's provider sent, and hasten the next poll; what came before does nothing more.

    Raises CallbackRefused where the provider signs and this is not signed; DependencyDown where that, or the callback
    itself, could not be looked at or kept: a provider tries again then, and polling goes on anyway.
    """
    names = {"provider": provider, "attempt_id": str(attempt_id)}
    called = catalog.providers[provider]
    try:
        signed_id = await called.verify(callback) if isinstance(called, Verifies) else None
    except Forged as fault:
        log.warning("callback_refused", reason=str(fault), **names)
        raise CallbackRefused from None
    except ProviderError as fault:
        log.warning("callback_not_verified", reason=fault.message, **names)
        raise DependencyDown from None
    delivery = inbound_queries.Delivery(
        id=new_id(),
        attempt_id=attempt_id,
        provider=provider,
        digest=_digest(signed_id, callback.body),
        body=callback.body[:MOST_CALLBACK_BYTES],
        body_bytes=len(callback.body),
        content_type=_content_type(callback),
    )
    lease = timedelta(seconds=settings.tasks.lease_seconds)
    try:
        noted = await inbound_queries.note(database, delivery, most=MOST_KEPT, lease=lease, pause=_PAUSE)
    except UNREACHABLE as fault:
        log.warning("callback_not_kept", error=repr(fault), **names)
        raise DependencyDown from None
    if noted is None:
        return
    log.info("called_back", is_new=noted.is_new, hastens=noted.lane is not None, **names)
    if noted.lane is not None:
        database.ringer.ring(jobs.WORK, noted.lane)


async def forget_old(database: Database) -> int:
    """Delete what came more than a week ago, some at a time; how many."""
    forgotten = 0
    while True:
        gone = await inbound_queries.forget(database, _KEPT_FOR)
        forgotten += gone
        if gone < inbound_queries.FORGET_AT_ONCE:
            return forgotten


def _digest(signed_id: str | None, body: bytes) -> bytes:
    """Of the provider's id for the delivery, under which it is sent again, where that is signed; else of the body."""
    return sha256(b"body\n" + body if signed_id is None else b"id\n" + signed_id.encode()).digest()


def _content_type(callback: Callback) -> str | None:
    text = callback.headers.get("content-type", "")[:200]
    return text if text and text.isascii() and text.isprintable() else None
