"""Which issuers are trusted besides ourselves, and whether a token is one of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jose import jwk

from app.accounts.issuers.jwks import KeySet
from app.core import jwt
from app.core.account_settings import TrustedIssuer
from app.core.egress import Egress
from app.core.jwt import Head, InvalidJwt
from app.core.settings import Settings

LEGACY = "HS256"
_MAX_EMAIL = 320


@dataclass(frozen=True, slots=True)
class Outsider:
    """Whom a token of another issuer is about."""

    issuer: TrustedIssuer
    subject: str
    email: str | None
    expires_at: float
    """Unix time."""


class Issuers:
    """Those of the settings; one per process."""

    def __init__(self, settings: Settings) -> None:
        self._egress = Egress(settings) if settings.auth.issuers else None
        self._trusted: dict[tuple[str, str], tuple[TrustedIssuer, KeySet | None]] = {}
        sets: dict[str, KeySet] = {}
        for issuer in settings.auth.issuers:
            keys = None
            if issuer.jwks_url is not None and self._egress is not None:
                keys = sets.setdefault(issuer.jwks_url, KeySet(self._egress, issuer.jwks_url))
            for algorithm in issuer.algorithms:
                self._trusted[issuer.issuer, algorithm] = (issuer, keys)

    async def close(self) -> None:
        if self._egress is not None:
            await self._egress.aclose()

    async def read(self, text: str, head: Head) -> Outsider:
        """Whom a token is about. Raises InvalidJwt, or DependencyDown when the issuer's keys cannot be had.

        The settings say which algorithm goes with which key: a token can choose among those, never combine them.
        """
        found = self._trusted.get((head.issuer, head.algorithm))
        if found is None:
            raise InvalidJwt("neither we nor an issuer we trust signed it in that way")
        issuer, keys = found
        if keys is not None:
            key = await keys.find(head.kid, head.algorithm)
        else:
            assert issuer.secret is not None  # as the settings see to
            key = jwk.construct(issuer.secret.get_secret_value(), LEGACY)
        if key is None:
            raise InvalidJwt("it is signed with a key that its issuer does not publish for that")
        claims = jwt.verify(
            text, key, algorithm=head.algorithm, issuer=issuer.issuer, audience=issuer.audience, required=()
        )
        _require(issuer, claims)
        return Outsider(issuer, claims["sub"], _email(claims), jwt.expiry(claims))


def _require(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> None:
    if issuer.role is not None and claims.get("role") != issuer.role:
        raise InvalidJwt(f"its role is not {issuer.role!r}")
    if claims.get("is_anonymous") not in (None, False) and not issuer.allow_anonymous:
        raise InvalidJwt("it is of an anonymous user")


def _email(claims: Mapping[str, Any]) -> str | None:
    """What the issuer says; whether it is believed is in the settings, for what claims say of that users can edit."""
    email = claims.get("email")
    return email if isinstance(email, str) and 0 < len(email) <= _MAX_EMAIL else None
