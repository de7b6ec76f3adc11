"""The form of API keys: `bk_live_` or `bk_test_`, 22 characters of id, 43 of secret, 6 of checksum, all base62.

The secret has 256 random bits. The checksum (CRC-32 of what stands before it) tells a mistyped key from an unknown
one without a look into the database, and lets secret scanners avoid false alarms.
"""

import hashlib
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from app.accounts.models import Mode

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_ID, _SECRET, _CHECKSUM = 22, 43, 6
PATTERN = rf"^bk_(live|test)_[0-9A-Za-z]{{{_ID + _SECRET + _CHECKSUM}}}$"
SCAN_PATTERN = rf"\bbk_(?:live|test)_[0-9A-Za-z]{{{_ID + _SECRET + _CHECKSUM}}}\b"
"""For secret scanners, which look for keys in text: published, so it does not change."""


@dataclass(frozen=True, slots=True)
class ParsedKey:
    mode: Mode
    id: UUID
    secret_hash: bytes


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, remainder = divmod(number, 62)
        digits.append(ALPHABET[remainder])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM)


def hash_secret(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def make(mode: Mode, key_id: UUID) -> str:
    """A new key with a fresh secret."""
    secret = _base62(secrets.randbits(256), _SECRET)
    body = f"bk_{mode}_{_base62(key_id.int, _ID)}{secret}"
    return body + _checksum(body)


def hint(text: str) -> str:
    """What of a key may be shown again: its kind and its last four characters."""
    return f"{text[:8]}…{text[-4:]}"


def parse(text: str) -> ParsedKey | None:
    """None when it cannot be one of our keys."""
    kind, _, rest = text[3:].partition("_")
    if not text.startswith("bk_") or kind not in ("live", "test") or len(rest) != _ID + _SECRET + _CHECKSUM:
        return None
    if any(character not in _VALUES for character in rest):
        return None
    if not secrets.compare_digest(_checksum(text[:-_CHECKSUM]), rest[-_CHECKSUM:]):
        return None
    number = 0
    for character in rest[:_ID]:
        number = number * 62 + _VALUES[character]
    if number >= 1 << 128:
        return None
    return ParsedKey(cast("Mode", kind), UUID(int=number), hash_secret(text))
