"""The end of every way to sign in: a session is written, and its secrets are handed over."""

from datetime import datetime
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app.accounts import csrf
from app.accounts.caller_cache import CallerCache
from app.accounts.models import User
from app.accounts.sessions import access, service, tokens
from app.accounts.sessions.models import Session
from app.accounts.sessions.schemas import SessionStarted
from app.accounts.users.schemas import UserRead
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.core.visitor import Visitor

_UNKEPT = {"Cache-Control": "no-store"}


async def hand_over(
    request: Request,
    session: AsyncSession,
    user: User,
    visitor: Visitor,
    *,
    cookies: bool,
    redirect_to: str | None = None,
    is_confirmed: bool = False,
) -> Response:
    """Sign the user in, who has shown who they are: tokens in the answer, or cookies on it.

    `is_confirmed`: by what counts as a fresh proof, as the password does. `redirect_to` goes with cookies only: tokens
    have no place in URLs. Raises AccountSuspended, or SessionRevoked when the password was changed meanwhile.
    """
    settings: Settings = request.app.state.settings
    if redirect_to is not None and not cookies:
        raise ValueError("tokens cannot be handed over by a redirect")
    made = await service.start(session, settings, user, visitor, kind=_kind(cookies), is_confirmed=is_confirmed)
    if cookies:
        return _with_cookies(settings, made, UserRead.model_validate(user), redirect_to)
    return await with_tokens(request, made, UserRead.model_validate(user))


async def hand_over_alone(
    request: Request,
    database: Database,
    user_id: UUID,
    visitor: Visitor,
    *,
    password_changed_at: datetime | None,
    cookies: bool,
) -> Response:
    """`hand_over` for who gave the password that they have had since then: there is no transaction to be part of."""
    settings: Settings = request.app.state.settings
    made, row = await service.start_alone(
        database, settings, user_id, visitor, password_changed_at=password_changed_at, kind=_kind(cookies)
    )
    user = UserRead.model_validate(dict(row))
    return _with_cookies(settings, made, user, None) if cookies else await with_tokens(request, made, user)


def _kind(cookies: bool) -> service.Kind:
    return "cookie" if cookies else "bearer"


async def with_tokens(request: Request, of: Session, user: UserRead) -> Response:
    """The session's present tokens."""
    settings: Settings = request.app.state.settings
    callers: CallerCache = request.app.state.callers
    signer = await callers.keyring.signer()
    shown = SessionStarted(
        id=of.id,
        token_type="Bearer",  # noqa: S106
        access_token=access.make(settings, signer, user.id, of.id, of.expires_at),
        refresh_token=tokens.refresh_token(settings, of.id, of.nonce, of.generation),
        expires_in=min(int(settings.auth.access_seconds), _left(of)),
        csrf_token=None,
        session_expires_at=of.expires_at,
        user=user,
    )
    return Response(shown.model_dump_json(), 200, _UNKEPT, "application/json")


def _with_cookies(settings: Settings, of: Session, user: UserRead, redirect_to: str | None) -> Response:
    if redirect_to is None:
        shown = SessionStarted(
            id=of.id,
            token_type="Cookie",  # noqa: S106
            access_token=None,
            refresh_token=None,
            expires_in=None,
            csrf_token=tokens.csrf_token(settings, of.id),
            session_expires_at=of.expires_at,
            user=user,
        )
        response = Response(shown.model_dump_json(), 200, _UNKEPT, "application/json")
    else:
        response = RedirectResponse(redirect_to, 302, _UNKEPT)
    csrf.set_cookies(response, settings, of.id, of.nonce, _left(of))
    return response


def _left(of: Session) -> int:
    """Seconds."""
    return max(int((of.expires_at - clock.now()).total_seconds()), 0)
