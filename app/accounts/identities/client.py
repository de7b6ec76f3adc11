"""Asking a provider who somebody is: httpx-oauth's client, on the guarded way out."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn, Protocol

import httpx
import structlog
from httpx_oauth.oauth2 import BaseOAuth2, OAuth2ClientAuthMethod, OAuth2RequestError

from app.accounts.identities.attempts import AttemptSecrets, BegunAttempt
from app.accounts.identities.claims import Claims
from app.accounts.identities.errors import OauthProviderUnavailable, OauthRefused
from app.core.egress import Egress, EgressError

log = structlog.get_logger()
MAX_BYTES = 256 * 1024
_CODE = re.compile(r"[a-z_]{1,60}")


def refuse(provider: str, reason: str, detail: str | None = None) -> NoReturn:
    """The operator finds the reason in the log. Raises OauthRefused."""
    log.warning("oauth_refused", provider=provider, reason=reason)
    raise OauthRefused(detail)


def told(error: object) -> str:
    """A code of RFC 6749 as it is; whatever else somebody wrote there is not repeated."""
    return error if isinstance(error, str) and _CODE.fullmatch(error) else "no code"


class Provider(Protocol):
    """Who lets people sign in here."""

    name: str
    title: str

    def is_issuer(self, issuer: str) -> bool:
        """Whether the `iss` of a callback (RFC 9207) is this provider's."""

    async def authorize_url(self, secrets: AttemptSecrets, redirect_uri: str) -> str:
        """Where the browser is sent. Raises OauthProviderUnavailable."""

    async def identify(self, code: str, attempt: BegunAttempt, redirect_uri: str) -> Claims:
        """Who signed in, for the code the browser brought. Raises OauthRefused or OauthProviderUnavailable."""


class Client(BaseOAuth2[dict[str, str]]):
    """What differs from httpx-oauth's: the way out is guarded, answers have a largest size, and every way a call can
    end is one of our problems."""

    def __init__(
        self,
        egress: Egress,
        name: str,
        client_id: str,
        client_secret: str,
        *,
        authorize_url: str,
        token_url: str,
        scopes: list[str],
        auth_method: OAuth2ClientAuthMethod = "client_secret_post",
    ) -> None:
        super().__init__(
            client_id,
            client_secret,
            authorize_url,
            token_url,
            name=name,
            base_scopes=scopes,
            token_endpoint_auth_method=auth_method,
        )
        self._egress = egress

    async def authorize_url(self, secrets: AttemptSecrets, redirect_uri: str, **extra: str) -> str:
        return await self.get_authorization_url(
            redirect_uri,
            state=secrets.state,
            code_challenge=secrets.challenge,
            code_challenge_method="S256",
            extras_params={"prompt": "select_account", **extra},
        )

    async def tokens(self, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """The answer of the token endpoint, with an access token. Raises OauthRefused or OauthProviderUnavailable."""
        try:
            tokens = await self.get_access_token(code, redirect_uri, code_verifier=verifier)
        except (ValueError, TypeError, OverflowError) as fault:
            raise self._unreadable() from fault
        token = tokens.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise self._unreadable()
        return tokens

    async def read(self, url: str, access_token: str, **headers: str) -> Any:
        """The JSON at a URL of the provider's. Raises OauthRefused or OauthProviderUnavailable."""
        request = self._egress.client.build_request(
            "GET", url, headers={**self.request_headers, "Authorization": f"Bearer {access_token}", **headers}
        )
        answer = await self.send_request(self._egress.client, request, None, exc_class=OAuth2RequestError)
        if answer.status_code != httpx.codes.OK:
            self.refuse(f"status {answer.status_code} for who signed in")
        return self._json(answer)

    def refuse(self, reason: str) -> NoReturn:
        """The operator finds the reason in the log. Raises OauthRefused."""
        refuse(self.name, reason)

    # --- what httpx-oauth calls

    @asynccontextmanager
    async def get_httpx_client(self) -> AsyncIterator[httpx.AsyncClient]:
        yield self._egress.client  # shared by all: not closed here

    async def send_request(
        self,
        client: httpx.AsyncClient,
        request: httpx.Request,
        auth: httpx.Auth | None,
        *,
        exc_class: type[OAuth2RequestError],
    ) -> httpx.Response:
        if auth is not None:
            request = next(auth.auth_flow(request))
        try:
            answer = await self._egress.exchange(request, max_bytes=MAX_BYTES)
        except EgressError as fault:
            log.warning("oauth_provider_unavailable", provider=self.name, reason=fault.code)
            raise OauthProviderUnavailable from fault
        if answer.status_code >= 500 or answer.status_code == 429 or 300 <= answer.status_code < 400:
            log.warning("oauth_provider_unavailable", provider=self.name, reason=f"status {answer.status_code}")
            raise OauthProviderUnavailable
        return answer

    def get_json(self, response: httpx.Response, *, exc_class: type[OAuth2RequestError]) -> dict[str, Any]:
        """The token endpoint's answer. GitHub tells of errors with status 200."""
        content = self._json(response)
        if not isinstance(content, dict):
            raise self._unreadable()
        if (error := content.get("error")) is not None:
            self.refuse(f"the token endpoint says {told(error)}")
        if response.status_code != httpx.codes.OK:
            self.refuse(f"the token endpoint answers with status {response.status_code}")
        return content

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except (ValueError, RecursionError) as fault:
            raise self._unreadable() from fault

    def _unreadable(self) -> OauthProviderUnavailable:
        log.warning("oauth_provider_unavailable", provider=self.name, reason="the answer is not what it should be")
        return OauthProviderUnavailable()
