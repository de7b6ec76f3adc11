"""Asking hCaptcha or Turnstile whether a captcha was solved. Both are asked in the same way."""

import asyncio
from typing import Any, Protocol

import httpx
import structlog

from app.accounts.signing_in.errors import CaptchaFailed, CaptchaRequired
from app.core.problems import DependencyDown
from app.core.settings import Settings

log = structlog.get_logger()

URLS = {
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
}
SECONDS = 5.0
_OURS = frozenset({"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "internal-error"})
"""Error codes that say nothing of the visitor: the operator's secret is wrong, or the verifier broken."""


class Posts(Protocol):
    """The guarded client, as far as it is used here."""

    async def post(self, url: str, *, data: dict[str, str], timeout: float) -> httpx.Response: ...


def is_on(settings: Settings) -> bool:
    return settings.auth.captcha is not None


async def demand(settings: Settings, client: Posts, token: str | None, ip: str) -> None:
    """Nothing where captchas are off. Raises CaptchaRequired, CaptchaFailed, or DependencyDown when nobody can tell."""
    if settings.auth.captcha is None:
        return
    if not token:
        raise CaptchaRequired.at("/captcha_token", CaptchaRequired.title(), captcha=settings.auth.captcha)
    answer = await _ask(settings, client, token, ip)
    if answer.get("success") is True:
        return
    codes = answer.get("error-codes")
    if isinstance(codes, list) and _OURS & {code for code in codes if isinstance(code, str)}:
        log.error("captcha_misconfigured", codes=codes)
        raise _down()
    raise CaptchaFailed.at("/captcha_token", CaptchaFailed.title(), captcha=settings.auth.captcha)


async def _ask(settings: Settings, client: Posts, token: str, ip: str) -> dict[str, Any]:
    auth = settings.auth
    assert auth.captcha is not None
    form = {"secret": auth.captcha_secret.get_secret_value() if auth.captcha_secret else "", "response": token}
    if ip:
        form["remoteip"] = ip
    try:
        async with asyncio.timeout(SECONDS):
            answer = await client.post(auth.captcha_url or URLS[auth.captcha], data=form, timeout=SECONDS)
        body = answer.json()
    except (httpx.HTTPError, OSError, ValueError, TimeoutError) as fault:
        log.warning("captcha_unreachable", error=type(fault).__name__)
        raise _down() from fault
    if not isinstance(body, dict) or (answer.status_code >= 500):
        log.warning("captcha_unreachable", status=answer.status_code)
        raise _down()
    return body


def _down() -> DependencyDown:
    return DependencyDown("The captcha cannot be checked just now. Try again.", headers={"Retry-After": "10"})
