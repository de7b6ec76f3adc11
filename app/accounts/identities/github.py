"""GitHub, which speaks OAuth 2 alone: who signed in is asked of its API.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from typing import Any

from app.accounts.identities.attempts import AttemptSecrets, BegunAttempt
from app.accounts.identities.claims import Claims
from app.accounts.identities.client import Client
from app.core.egress import Egress

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class GitHub:
    """It runs no mailboxes: what it verified once may be somebody else's address by now."""

    name = "github"
    title = "GitHub"

    def __init__(self, egress: Egress, *, client_id: str, client_secret: str, url: str, api_url: str) -> None:
        self.issuer = url.rstrip("/")
        self._api_url = api_url.rstrip("/")
        self._client = Client(
            egress,
            self.name,
            client_id,
            client_secret,
            authorize_url=f"{self.issuer}/login/oauth/authorize",
            token_url=f"{self.issuer}/login/oauth/access_token",
            scopes=["read:user", "user:email"],
        )

    def is_issuer(self, issuer: str) -> bool:
        return issuer in (self.issuer, f"{self.issuer}/login/oauth")

    async def authorize_url(self, secrets: AttemptSecrets, redirect_uri: str) -> str:
        return await self._client.authorize_url(secrets, redirect_uri)

    async def identify(self, code: str, attempt: BegunAttempt, redirect_uri: str) -> Claims:
        tokens = await self._client.tokens(code, redirect_uri, attempt.secrets.verifier)
        token = tokens["access_token"]  # for these two questions, and then forgotten
        user = await self._client.read(f"{self._api_url}/user", token, **_HEADERS)
        emails = await self._client.read(f"{self._api_url}/user/emails?per_page=100", token, **_HEADERS)
        # The login can be given up and taken by somebody else; the number cannot.
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            self._client.refuse("the user has no numeric id")
        name = user.get("name") or user.get("login")
        return Claims(
            provider=self.name,
            issuer=self.issuer,
            subject=str(number),
            email=_primary(emails),
            is_authoritative=False,
            name=name if isinstance(name, str) else None,
        )


def _primary(emails: Any) -> str | None:
    """The primary address, if it is verified; what stands in the public profile is any text."""
    for entry in emails if isinstance(emails, list) else ():
        match entry:
            case {"email": str(email), "primary": True, "verified": True}:
                return email
    return None
