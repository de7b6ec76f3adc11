"""The cookie that ties a sign-in at a provider to the browser in which it was begun."""

from fastapi import Request, Response

from app.accounts.identities.attempts import LIFE_SECONDS, AttemptSecrets, cookie_name
from app.core.settings import Settings


def _name(settings: Settings, state: str) -> str:
    # With this prefix browsers take it from this very host alone, not from one beside it; over https only.
    is_https = settings.auth.cookie_secure and settings.api.public_url.startswith("https://")
    return ("__Host-" if is_https else "") + cookie_name(state)


def put(response: Response, settings: Settings, secrets: AttemptSecrets) -> None:
    _set(response, settings, secrets.state, secrets.secret, LIFE_SECONDS)


def drop(response: Response, settings: Settings, state: str) -> None:
    _set(response, settings, state, "", 0)


def read(request: Request, settings: Settings, state: str) -> AttemptSecrets | None:
    """The secrets of the attempt with this state; None in any browser but its own."""
    secret = request.cookies.get(_name(settings, state))
    if not secret or len(secret) > 100 or not secret.isascii():
        return None
    found = AttemptSecrets(settings, secret)
    return found if found.is_state(state) else None


def _set(response: Response, settings: Settings, state: str, value: str, seconds: int) -> None:
    # Lax: it comes along when the provider sends the browser back, and not with what other sites embed.
    response.set_cookie(
        _name(settings, state),
        value,
        max_age=seconds,
        path="/",
        secure=settings.auth.cookie_secure,
        httponly=True,
        samesite="lax",
    )
