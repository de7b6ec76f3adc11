"""Believing an OpenID Connect id_token, or not."""

import hmac
from collections.abc import Collection
from datetime import datetime
from typing import Any

from jose import jwk
from jose.exceptions import JOSEError

from app.accounts.identities.published import KeySet
from app.core import clock, jwt
from app.core.jwt import LEEWAY_SECONDS, InvalidJwt

ALGORITHM = "RS256"


async def verify(
    token: object, *, keys: KeySet, client_id: str, issuers: Collection[str], nonce: str, began_at: datetime
) -> dict[str, Any]:
    """The claims. Raises InvalidJwt or OauthProviderUnavailable.

    One algorithm only: whoever chose it by the token's word could be given one signed with our public key as a secret.
    """
    if not isinstance(token, str):
        raise InvalidJwt("it is missing")
    head = jwt.peek(token)
    if head.algorithm != ALGORITHM:
        raise InvalidJwt(f"it is not signed with {ALGORITHM}")
    if head.issuer not in issuers:
        raise InvalidJwt("it is of another issuer")
    key = await keys.find(head.kid)
    if key is None or key.get("alg", ALGORITHM) != ALGORITHM or key.get("use", "sig") != "sig":
        raise InvalidJwt("it is signed with a key the issuer does not publish for that")
    try:
        built = jwk.construct(key, ALGORITHM)
    except (JOSEError, ValueError, TypeError, AttributeError) as fault:
        raise InvalidJwt("the key it is signed with is none") from fault
    claims = jwt.verify(
        token, built, algorithm=ALGORITHM, issuer=head.issuer, audience=client_id, required=("nonce", "iat")
    )
    _check(claims, client_id, nonce, began_at)
    return claims


def _check(claims: dict[str, Any], client_id: str, nonce: str, began_at: datetime) -> None:
    """What only sign-ins ask of a token (OpenID Connect Core 1.0, 3.1.3.7)."""
    audiences = claims["aud"]
    if claims.get("azp", client_id) != client_id or (isinstance(audiences, list) and len(audiences) > 1):
        raise InvalidJwt("it was made for another client too")
    if not isinstance(claims["nonce"], str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise InvalidJwt("its nonce is of another sign-in")
    if not began_at.timestamp() - LEEWAY_SECONDS <= claims["iat"] <= clock.now().timestamp() + LEEWAY_SECONDS:
        raise InvalidJwt("it was not made for this sign-in: it is older, or of the future")
    if not claims["sub"].isascii():
        raise InvalidJwt("its subject is none")
