"""Secrets and signatures, as Standard Webhooks has them (v1 and v1a).

Secrets are made of the id of what they belong to and its generation, and kept nowhere (docs/decisions/0007).
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.accounts.models import Mode
from app.core.sealing import derive_key
from app.core.settings import Settings

KEYS_AT_HAND = 4096


def of_endpoint(endpoint_id: UUID) -> bytes:
    """Whose secret it is."""
    return endpoint_id.bytes


def of_workspace(workspace_id: UUID, mode: Mode) -> bytes:
    """The same of what signs deliveries to the URLs of tasks; longer, so that it is no endpoint's."""
    return workspace_id.bytes + mode.encode()


@dataclass(frozen=True, slots=True)
class Key:
    """A secret of one generation: the shared one, and the pair of keys beside it."""

    shared: bytes
    private: Ed25519PrivateKey

    @property
    def secret(self) -> str:
        return f"whsec_{_base64(self.shared)}"

    @property
    def public(self) -> str:
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"whpk_{_base64(raw)}"

    def sign(self, content: bytes) -> list[str]:
        return [self.sign_shared(content), f"v1a,{_base64(self.private.sign(content))}"]

    def sign_shared(self, content: bytes) -> str:
        return f"v1,{_base64(_mac(self.shared, content))}"


class Signer:
    """One per process."""

    def __init__(self, settings: Settings) -> None:
        shared, private = (derive_key(settings, purpose) for purpose in ("webhook secrets", "webhook signing keys"))

        @lru_cache(KEYS_AT_HAND)
        def key(owner: bytes, generation: int) -> Key:
            made_of = owner + generation.to_bytes(4, "big")
            return Key(_mac(shared, made_of), Ed25519PrivateKey.from_private_bytes(_mac(private, made_of)))

        self._key = key

    def key(self, owner: bytes, generation: int) -> Key:
        return self._key(owner, generation)

    def headers(
        self, owner: bytes, generations: Iterable[int], *, message_id: str, timestamp: int, body: bytes
    ) -> dict[str, str]:
        """What tells the receiver that it is from us, by each of the generations."""
        content = f"{message_id}.{timestamp}.".encode() + body
        signatures = [entry for generation in generations for entry in self._key(owner, generation).sign(content)]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
