"""Sessions of browsers: their two cookies, and the proof that a page of ours sent a request that changes something.

The session cookie is not readable by pages, the other one is: a page sends its value as `X-CSRF-Token`. The value is
made of the session (`sessions.tokens.csrf_token`), so a cookie that somebody planted proves nothing.
"""

from hmac import compare_digest
from uuid import UUID

from fastapi import Request, Response
from starlette.requests import cookie_parser

from app.accounts.errors import CsrfFailed
from app.accounts.sessions import tokens
from app.core import hot
from app.core.cors import trusted_origins
from app.core.settings import Settings

SESSION_COOKIE = "backlot_session"
CSRF_COOKIE = "backlot_csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def session_cookie(request: Request) -> str | None:
    return _cookie(request, SESSION_COOKIE)


def check(request: Request, session_id: UUID) -> None:
    """For a request that shows the cookie of this session. Raises CsrfFailed."""
    if request.method in _SAFE:
        return
    settings: Settings = request.app.state.settings
    origin = hot.header(request, b"origin")
    if origin is not None and origin not in trusted_origins(settings):
        raise CsrfFailed(
            f"The origin {origin[:200]!r} may not use session cookies: BACKLOT_API_CORS_ORIGINS lists those."
        )
    given, shown = hot.header(request, b"x-csrf-token") or "", _cookie(request, CSRF_COOKIE) or ""
    expected = tokens.csrf_token(settings, session_id)
    if not (compare_digest(given.encode(), expected.encode()) and compare_digest(shown.encode(), expected.encode())):
        raise CsrfFailed


def set_cookies(response: Response, settings: Settings, session_id: UUID, nonce: bytes, life_seconds: int) -> None:
    _set(response, settings, SESSION_COOKIE, tokens.cookie(settings, session_id, nonce), life_seconds, is_hidden=True)
    _set(response, settings, CSRF_COOKIE, tokens.csrf_token(settings, session_id), life_seconds, is_hidden=False)


def drop_cookies(response: Response, settings: Settings) -> None:
    for name, is_hidden in ((SESSION_COOKIE, True), (CSRF_COOKIE, False)):
        _set(response, settings, name, "", 0, is_hidden=is_hidden)


def _set(response: Response, settings: Settings, name: str, value: str, life_seconds: int, *, is_hidden: bool) -> None:
    response.set_cookie(
        name,
        value,
        max_age=life_seconds,
        path="/",
        domain=settings.auth.cookie_domain or None,
        secure=settings.auth.cookie_secure,
        httponly=is_hidden,
        samesite="lax",
    )


def _cookie(request: Request, name: str) -> str | None:
    header = hot.header(request, b"cookie")
    return cookie_parser(header).get(name) if header and name in header else None
