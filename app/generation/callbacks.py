"""Being called back by providers: a URL for each attempt that carries its own proof, and what a call to it does.

Nothing a caller says is believed. The one effect is that the attempt's task is looked at sooner.
"""

import hmac
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from app.core.db import UNREACHABLE, Database
from app.core.ids import decode, encode
from app.core.sealing import derive_key
from app.core.settings import Settings
from app.generation import jobs, queries

log = structlog.get_logger()
PURPOSE = "inbound callbacks"
_PROOF_LENGTH = 32
_PAUSE = timedelta(seconds=1)
"""However often a provider calls, its job is asked after once in that time."""


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


async def receive(database: Database, settings: Settings, provider: str, token: str) -> bool:
    """Note that the attempt's provider called, and hasten the next poll. False when the token is none of ours.

    With the database down nothing is noted, and True is told all the same: polling makes up for it.
    """
    attempt_id = attempt_of(settings, provider, token)
    if attempt_id is None:
        return False
    lease = timedelta(seconds=settings.tasks.lease_seconds)
    try:
        lane = await queries.note_callback(database, attempt_id, provider, lease=lease, pause=_PAUSE)
    except UNREACHABLE as fault:
        log.warning("callback_lost", attempt_id=str(attempt_id), error=repr(fault))
        return True
    log.info("called_back", attempt_id=str(attempt_id), hastens=lane is not None)
    if lane is not None:
        database.ringer.ring(jobs.WORK, lane)
    return True
