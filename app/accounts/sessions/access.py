"""Access tokens: short-lived, signed by one key of the installation's, read without asking anybody."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from jose import jws

from app.accounts.sessions.keyring import ALGORITHM, Keyring, SigningKey
from app.core import clock, jwt
from app.core.ids import decode, encode
from app.core.jwt import Head, InvalidJwt
from app.core.settings import Settings

AUDIENCE = "backlot"
_REQUIRED = ("nbf", "sid")


def make(settings: Settings, signer: SigningKey, user_id: UUID, session_id: UUID, session_ends: datetime) -> str:
    """A token for the user of that session, which it does not outlive."""
    now = jwt.unix(clock.now())
    claims = {
        "iss": settings.api.public_url,
        "aud": AUDIENCE,
        "sub": encode("user", user_id),
        "sid": encode("sess", session_id),
        "iat": now,
        "nbf": now,
        "exp": min(now + int(settings.auth.access_seconds), jwt.unix(session_ends)),
    }
    return str(jws.sign(claims, signer.key, headers={"kid": signer.kid}, algorithm=ALGORITHM))


async def read(settings: Settings, keyring: Keyring, text: str, head: Head) -> Mapping[str, Any]:
    """The claims of a token of ours. Raises InvalidJwt, or what the database raises."""
    if head.algorithm != ALGORITHM:
        raise InvalidJwt("it is signed in another way than ours are")
    if (key := await keyring.find(head.kid)) is None:
        raise InvalidJwt("it is signed with a key that is unknown, or no longer good")
    return jwt.verify(
        text, key, algorithm=ALGORITHM, issuer=settings.api.public_url, audience=AUDIENCE, required=_REQUIRED
    )


def session_of(claims: Mapping[str, Any]) -> tuple[UUID, UUID]:
    """The session and its user. Raises InvalidJwt."""
    try:
        return decode("sess", str(claims["sid"])), decode("user", str(claims["sub"]))
    except ValueError:
        raise InvalidJwt("its session is none") from None
