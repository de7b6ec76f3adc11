"""The keys of one vendor: which is used next, and which are not for a while.

A refusal holds at once in the process that heard it; `board.py` tells the others, and when a probe found it mended.
"""

from collections.abc import Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a vendor said to a key."""

    key_id: str
    reason: str
    is_broke: bool


class KeyRing:
    """Keys in turn. A vendor without keys is asked without (a proxy of one's own)."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._keys = [_key(secret.get_secret_value()) for secret in secrets] or [NO_KEY]
        self._refused_until: dict[str, float] = {}
        self._shared_until: Mapping[str, float] = {}
        self._untold: dict[str, Refusal] = {}
        self._turn = 0

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def pick(self) -> Key:
        """The next that was not refused lately. Raises KeyRefused when all were."""
        for _ in self._keys:
            self._turn = (self._turn + 1) % len(self._keys)
            key = self._keys[self._turn]
            if self._is_usable(key):
                return key
        raise KeyRefused("The provider has refused every key of this installation.")

    @property
    def has_usable(self) -> bool:
        return any(map(self._is_usable, self._keys))

    def _is_usable(self, key: Key) -> bool:
        now = monotonic()
        return self._refused_until.get(key.id, 0) <= now and self._shared_until.get(key.id, 0) <= now

    def refuse(self, key: Key, fault: KeyRefused) -> None:
        """Not this one for a while."""
        self._refused_until[key.id] = monotonic() + REFUSED_SECONDS
        self._untold[key.id] = Refusal(key.id, fault.message, fault.is_broke)

    def untold(self) -> list[Refusal]:
        """What the others have not been told yet."""
        return list(self._untold.values())

    def told(self, refusal: Refusal) -> None:
        if self._untold.get(refusal.key_id) == refusal:
            del self._untold[refusal.key_id]

    def share(self, seconds: Mapping[str, float]) -> None:
        """These are refused, for so long, as all processes know; those that were until now are good again."""
        for mended in self._shared_until.keys() - seconds.keys() - self._untold.keys():
            self._refused_until.pop(mended, None)
        self._shared_until = {key_id: monotonic() + left for key_id, left in seconds.items()}

    def find(self, key_id: str) -> Key | None:
        return next((key for key in self._keys if key.id == key_id), None)

    def of(self, reference: str) -> tuple[Key, str]:
        """The key a reference was made with, and the vendor's part of it. Raises Transient when we have it no more."""
        name, _, theirs = reference.partition(":")
        if (key := self.find(name)) is not None:
            return key, theirs
        raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The key this job was ordered with is not configured any more.")


def _key(secret: str) -> Key:
    return Key(sha256(secret.encode()).hexdigest()[:8], secret)
