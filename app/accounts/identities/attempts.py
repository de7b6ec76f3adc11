"""A sign-in at a provider that is under way, from the browser's leaving to its return.

The browser has a cookie with a random secret. State, nonce and PKCE verifier are made of it with a key of ours, and the
database has its hash: who reads the database can go on with nobody's attempt.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from app.core.sealing import derive_key
from app.core.settings import Settings

Purpose = Literal["sign_in", "link"]
LIFE_SECONDS = 600
CODE_SECONDS = 60
COOKIE_PREFIX = "backlot_oauth_"
CHALLENGE_PATTERN = r"^[A-Za-z0-9_-]{43}$"
VERIFIER_PATTERN = r"^[A-Za-z0-9._~-]{43,128}$"


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def hash_secret(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def challenge_of(verifier: str) -> str:
    """PKCE's S256 (RFC 7636)."""
    return _text(hash_secret(verifier))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class AttemptSecrets:
    """All that is secret of one attempt."""

    def __init__(self, settings: Settings, secret: str) -> None:
        self.secret = secret
        self._key = derive_key(settings, "sign-ins at providers")

    @property
    def secret_hash(self) -> bytes:
        return hash_secret(self.secret)

    @cached_property
    def state(self) -> str:
        return self._made("state")

    @cached_property
    def nonce(self) -> str:
        return self._made("nonce")

    @cached_property
    def verifier(self) -> str:
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        return challenge_of(self.verifier)

    def is_state(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.state.encode())

    def _made(self, what: str) -> str:
        return _text(hmac.new(self._key, f"{what} {self.secret}".encode(), hashlib.sha256).digest())


@dataclass(frozen=True, slots=True)
class BegunAttempt:
    """An attempt whose browser came back: its row is gone, so it comes back once."""

    secrets: AttemptSecrets
    provider: str
    purpose: Purpose
    redirect_to: str | None
    cookies: bool
    challenge: str | None
    """Of the front end that began it, and alone may use the code it gets."""
    created_at: datetime


def cookie_name(state: str) -> str:
    """A cookie for each attempt: two tabs do not get in each other's way."""
    return COOKIE_PREFIX + hashlib.sha256(state.encode()).hexdigest()[:12]
