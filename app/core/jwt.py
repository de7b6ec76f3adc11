"""Signed tokens (JWT as JWS in three parts), read strictly.

Whoever verifies knows the key, and with it the one algorithm, beforehand: a token's header is only asked for the name
of a key, and refused when it says anything else than was expected. Nothing encrypted or packed is opened.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jose import jws
from jose.backends.base import Key
from jose.exceptions import JOSEError

from app.core import clock

LONGEST = 8 * 1024
"""Longer ones are not even split."""
LEEWAY_SECONDS = 60
"""How far clocks may differ: for what was not yet, never for what is over."""
_FAULTS = (JOSEError, ValueError, TypeError, RecursionError, OverflowError)


class InvalidJwt(Exception):
    """The token is not what it should be; the text says in what, and nothing of its content."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a token says of itself. Nothing of it is proved."""

    algorithm: str
    kid: str
    issuer: str


def peek(text: str) -> Head:
    """What to look up a key by. Raises InvalidJwt."""
    if len(text) > LONGEST:
        raise InvalidJwt(f"it is longer than {LONGEST} characters")
    if text.count(".") != 2 or not text.isascii():
        raise InvalidJwt("it is no signed token of three parts")
    try:
        header, claims = jws.get_unverified_header(text), _object(jws.get_unverified_claims(text))
    except _FAULTS as fault:
        raise InvalidJwt("it cannot be read") from fault
    if not header.keys().isdisjoint(("crit", "enc", "zip", "b64")):
        raise InvalidJwt("its header asks for more than is understood")
    return Head(_text(header, "alg"), _text(header, "kid", ""), _text(claims, "iss"))


def verify(
    text: str, key: Key, *, algorithm: str, issuer: str, audience: str, required: Collection[str]
) -> dict[str, Any]:
    """The claims of a token that `peek` took, signed with `key`, which is of this algorithm. Raises InvalidJwt.

    `exp`, `iat` and `sub` are always required, `nbf` holds where it is given.
    """
    try:
        claims = _object(jws.verify(text, key, [algorithm]))
    except _FAULTS as fault:
        raise InvalidJwt("its signature does not hold") from fault
    if _text(claims, "iss") != issuer:
        raise InvalidJwt("it is of another issuer")
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise InvalidJwt("it is for another audience")
    now = clock.now().timestamp()
    if _moment(claims, "exp") <= now:
        raise InvalidJwt("it has expired")
    if max(_moment(claims, "iat"), _moment(claims, "nbf") if "nbf" in claims else 0) > now + LEEWAY_SECONDS:
        raise InvalidJwt("it is not valid yet")
    if missing := sorted({"sub", *required} - claims.keys()):
        raise InvalidJwt(f"it lacks the claim {missing[0]!r}")
    subject = _text(claims, "sub")
    if not (1 <= len(subject) <= 255 and subject.isprintable()):
        raise InvalidJwt("its subject is none")
    return claims


def expiry(claims: Mapping[str, Any]) -> float:
    """When it ends, as Unix time; of claims that were verified."""
    return float(claims["exp"])


def unix(moment: datetime) -> int:
    """As claims have it."""
    return int(moment.timestamp())


def _object(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise InvalidJwt("its claims are no object")
    return found


def _text(values: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = values.get(name, default)
    if not isinstance(value, str):
        raise InvalidJwt(f"its {name} is missing or no text")
    return value


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:  # NaN is refused too
        raise InvalidJwt(f"its {name} is missing or no time")
    return float(value)
