"""The providers that are set up, and the way to them; one desk per process."""

import asyncio
from typing import Annotated

import structlog
from fastapi import Depends, Request

from app.accounts.identities.attempts import BegunAttempt
from app.accounts.identities.claims import Claims
from app.accounts.identities.client import Provider
from app.accounts.identities.errors import OauthNotConfigured, OauthProviderUnavailable
from app.accounts.identities.github import GitHub
from app.accounts.identities.google import Google
from app.core.egress import Egress
from app.core.settings import Settings

log = structlog.get_logger()

PATIENCE_SECONDS = 20.0
"""For all questions to a provider that one sign-in needs."""


class OauthDesk:
    def __init__(self, settings: Settings, egress: Egress) -> None:
        self._public_url = settings.api.public_url.rstrip("/")
        self._providers = {provider.name: provider for provider in _configured(settings, egress)}

    @property
    def providers(self) -> list[Provider]:
        return list(self._providers.values())

    def find(self, name: str) -> Provider:
        """Raises OauthNotConfigured."""
        if (provider := self._providers.get(name)) is None:
            prefix = f"BACKLOT_AUTH_{name.upper()}_CLIENT"
            raise OauthNotConfigured(f"Its operator can set {prefix}_ID and {prefix}_SECRET (docs/oauth.md).")
        return provider

    def url(self, name: str, path: str) -> str:
        return f"{self._public_url}/v1/auth/oauth/{name}/{path}"

    async def identify(self, code: str, attempt: BegunAttempt) -> Claims:
        """Who came back with this code. Raises OauthNotConfigured, OauthRefused or OauthProviderUnavailable."""
        provider = self.find(attempt.provider)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await provider.identify(code, attempt, self.url(attempt.provider, "callback"))
        except TimeoutError as fault:
            log.warning("oauth_unavailable", provider=attempt.provider, reason="too slow")
            raise OauthProviderUnavailable from fault


def _configured(settings: Settings, egress: Egress) -> list[Provider]:
    auth, found = settings.auth, list[Provider]()
    if auth.google_client_id and auth.google_client_secret:
        secret = auth.google_client_secret.get_secret_value()
        found.append(Google(egress, client_id=auth.google_client_id, client_secret=secret, issuer=auth.google_issuer))
    if auth.github_client_id and auth.github_client_secret:
        secret = auth.github_client_secret.get_secret_value()
        ours = {"client_id": auth.github_client_id, "client_secret": secret}
        found.append(GitHub(egress, **ours, url=auth.github_url, api_url=auth.github_api_url))
    return found


def _get_desk(request: Request) -> OauthDesk:
    desk: OauthDesk = request.app.state.oauth
    return desk


OauthDeskDep = Annotated[OauthDesk, Depends(_get_desk)]
