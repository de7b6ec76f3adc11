"""Google, or another OpenID Connect issuer in its place: https://developers.google.com/identity/openid-connect."""

from typing import Any

import structlog

from app.accounts.identities.attempts import AttemptSecrets, BegunAttempt
from app.accounts.identities.claims import Claims
from app.accounts.identities.client import Client
from app.accounts.identities.errors import OauthProviderUnavailable
from app.accounts.identities.id_token import verify
from app.accounts.identities.published import Document, KeySet
from app.core.egress import Egress
from app.core.jwt import InvalidJwt

log = structlog.get_logger()

MAILBOXES = "@gmail.com"


class Google:
    """Signs in with the authorization code flow; who it was is told by the id_token."""

    name = "google"
    title = "Google"

    def __init__(self, egress: Egress, *, client_id: str, client_secret: str, issuer: str) -> None:
        self.issuer = issuer
        self._egress = egress
        self._client_id, self._client_secret = client_id, client_secret
        self._discovery = Document(egress, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        self._keys: Document | None = None

    def is_issuer(self, issuer: str) -> bool:
        return issuer == self.issuer

    async def authorize_url(self, secrets: AttemptSecrets, redirect_uri: str) -> str:
        return await (await self._client()).authorize_url(secrets, redirect_uri, nonce=secrets.nonce)

    async def identify(self, code: str, attempt: BegunAttempt, redirect_uri: str) -> Claims:
        client = await self._client()
        tokens = await client.tokens(code, redirect_uri, attempt.secrets.verifier)
        try:
            claims = await verify(
                tokens.get("id_token"),
                keys=KeySet(await self._key_document()),
                client_id=self._client_id,
                # Google leaves the scheme out in some tokens.
                issuers=(self.issuer, self.issuer.removeprefix("https://")),
                nonce=attempt.secrets.nonce,
                began_at=attempt.created_at,
            )
        except InvalidJwt as fault:
            client.refuse(f"the id_token is not good: {fault}")
        return self._read(claims)

    def _read(self, claims: dict[str, Any]) -> Claims:
        email, domain = claims.get("email"), claims.get("hd")
        is_verified = isinstance(email, str) and claims.get("email_verified") is True
        # Of other addresses Google knows only that they were checked once: they may be somebody else's by now.
        # https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
        is_host = isinstance(email, str) and email.lower().endswith(MAILBOXES)
        is_host = is_host or (isinstance(domain, str) and bool(domain))
        return Claims(
            provider=self.name,
            issuer=self.issuer,
            subject=claims["sub"],
            email=email if is_verified else None,
            is_authoritative=is_verified and is_host,
            name=_text(claims.get("name")),
            locale=_text(claims.get("locale")),
        )

    async def _client(self) -> Client:
        return Client(
            self._egress,
            self.name,
            self._client_id,
            self._client_secret,
            authorize_url=await self._endpoint("authorization_endpoint"),
            token_url=await self._endpoint("token_endpoint"),
            scopes=["openid", "email", "profile"],
        )

    async def _key_document(self) -> Document:
        url = await self._endpoint("jwks_uri")
        if self._keys is None or self._keys.url != url:
            self._keys = Document(self._egress, url)
        return self._keys

    async def _endpoint(self, name: str) -> str:
        """From the discovery document, which has to be the issuer's own."""
        document = await self._discovery.read()
        found = document.get(name)
        if document.get("issuer") != self.issuer or not isinstance(found, str):
            log.warning("oauth_unavailable", url=self._discovery.url, reason=f"another issuer, or no {name}")
            raise OauthProviderUnavailable
        return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
