"""The secrets of a session: made of its id, its nonce and a key of the installation's, so that none rests anywhere.

A refresh token is `bkr_`, a session cookie `bkc_`, and then URL-safe base64: 16 bytes of id, 4 of generation (zero in
cookies), 28 of HMAC-SHA256.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from app.core.sealing import derive_key
from app.core.settings import Settings

_REFRESH, _COOKIE = "bkr_", "bkc_"
_MAC = 28
_LENGTH = 64
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Presented:
    """What a token says; believed when `fits`."""

    session_id: UUID
    generation: int
    mac: bytes


def new_nonce() -> bytes:
    return secrets.token_bytes(NONCE_BYTES)


def refresh_token(settings: Settings, session_id: UUID, nonce: bytes, generation: int) -> str:
    return _make(settings, _REFRESH, session_id, nonce, generation)


def cookie(settings: Settings, session_id: UUID, nonce: bytes) -> str:
    return _make(settings, _COOKIE, session_id, nonce, 0)


def read_refresh_token(text: str) -> Presented | None:
    """None when it has another form."""
    return _read(_REFRESH, text)


def read_cookie(text: str) -> Presented | None:
    """None when it has another form."""
    return _read(_COOKIE, text)


def is_refresh_token(settings: Settings, presented: Presented, nonce: bytes) -> bool:
    """Whether it is ours, of the session with this nonce."""
    return hmac.compare_digest(
        presented.mac, _mac(settings, _REFRESH, presented.session_id, nonce, presented.generation)
    )


def is_cookie(settings: Settings, presented: Presented, nonce: bytes) -> bool:
    """Whether it is ours, of the session with this nonce."""
    return presented.generation == 0 and hmac.compare_digest(
        presented.mac, _mac(settings, _COOKIE, presented.session_id, nonce, 0)
    )


def csrf_token(settings: Settings, session_id: UUID) -> str:
    """What a page of ours can read and another's cannot, bound to the session."""
    mac = hmac.new(derive_key(settings, "CSRF tokens"), session_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:24]).decode()


def _mac(settings: Settings, prefix: str, session_id: UUID, nonce: bytes, generation: int) -> bytes:
    key = derive_key(settings, "refresh tokens" if prefix == _REFRESH else "session cookies")
    content = session_id.bytes + generation.to_bytes(4, "big") + nonce
    return hmac.new(key, content, hashlib.sha256).digest()[:_MAC]


def _make(settings: Settings, prefix: str, session_id: UUID, nonce: bytes, generation: int) -> str:
    mac = _mac(settings, prefix, session_id, nonce, generation)
    return prefix + base64.urlsafe_b64encode(session_id.bytes + generation.to_bytes(4, "big") + mac).decode()


def _read(prefix: str, text: str) -> Presented | None:
    if not text.startswith(prefix) or not text.isascii() or len(text) != len(prefix) + _LENGTH:
        return None
    try:
        content = base64.b64decode(text[len(prefix) :], altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    if len(content) != 48:
        return None
    return Presented(UUID(bytes=content[:16]), int.from_bytes(content[16:20], "big"), content[20:])
