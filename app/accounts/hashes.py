"""What kinds of password hashes we make, and which of others' we verify."""

import re
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import ARGON2_ENCODED_HASH_REGEX, Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

_BCRYPT_BYTES = 72
# What others may have us do for one password: about a second of a processor, and a quarter of a GiB.
_BCRYPT_ROUNDS = range(4, 15)
_ARGON2_MEMORY, _ARGON2_TIME, _ARGON2_LANES = 256 * 1024, 10, 16


class Bcrypt(BcryptHasher):
    """Of what is longer bcrypt reads the first 72 bytes: so did whoever made the hash."""

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
        content = password.encode() if isinstance(password, str) else password
        try:
            return super().verify(content[:_BCRYPT_BYTES], hash)
        except ValueError:  # salt or cost are none
            return False


# Of OWASP's recommendations for Argon2id: 19 MiB, two passes, one lane.
HASHING: Final = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1), Bcrypt()))


def why_not(stored: str) -> str | None:
    """Why we do not verify passwords by this hash; None when we do."""
    if Bcrypt.identify(stored):
        rounds = int(stored.split("$")[2])
        return None if rounds in _BCRYPT_ROUNDS else f"bcrypt of cost {rounds}: 4 to 14 are taken"
    match = re.fullmatch(ARGON2_ENCODED_HASH_REGEX, stored)
    if match is None or not match["digest"]:
        return "neither a bcrypt hash ($2b$12$...) nor an Argon2 hash ($argon2id$v=19$...)"
    if int(match["memory_cost"]) > _ARGON2_MEMORY or int(match["time_cost"]) > _ARGON2_TIME:
        return "an Argon2 hash that takes more than 256 MiB or 10 passes"
    return None if int(match["parallelism"]) <= _ARGON2_LANES else "an Argon2 hash of more than 16 lanes"
