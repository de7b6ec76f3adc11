"""The keys of one vendor: which is used next, and which are not for a while."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

from pydantic import SecretStr

from app.providers.base import ErrorCode, KeyRefused, Transient

REFUSED_SECONDS = 300.0
"""A refused key is tried again after this: it may have been mended, or paid for."""


@dataclass(frozen=True, slots=True)
class Key:
    """`id` is no secret: a few digits of its hash, the same in all processes."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Key({self.id})"


NO_KEY = Key("none", "")


class KeyRing:
    """Keys in turn. A vendor without keys is asked without (a proxy of one's own)."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._keys = [_key(secret.get_secret_value()) for secret in secrets] or [NO_KEY]
        self._refused_until: dict[Key, float] = {}
        self._turn = 0

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def pick(self) -> Key:
        """The next that was not refused lately. Raises KeyRefused when all were."""
        for _ in self._keys:
            self._turn = (self._turn + 1) % len(self._keys)
            key = self._keys[self._turn]
            if self._refused_until.get(key, 0) <= monotonic():
                return key
        raise KeyRefused("The provider has refused every key of this installation.")

    @property
    def has_usable(self) -> bool:
        return any(self._refused_until.get(key, 0) <= monotonic() for key in self._keys)

    def refuse(self, key: Key) -> None:
        """Not this one for a while."""
        self._refused_until[key] = monotonic() + REFUSED_SECONDS

    def of(self, reference: str) -> tuple[Key, str]:
        """The key a reference was made with, and the vendor's part of it. Raises Transient when we have it no more."""
        name, _, theirs = reference.partition(":")
        for key in self._keys:
            if key.id == name:
                return key, theirs
        raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The key this job was ordered with is not configured any more.")


def _key(secret: str) -> Key:
    return Key(sha256(secret.encode()).hexdigest()[:8], secret)
