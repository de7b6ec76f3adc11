"""Sessions over HTTP: going on with one, ending it, and seeing them all."""

from fastapi import APIRouter, Request, Response

from app.accounts import csrf
from app.accounts.caller import LEAVING_PROBLEMS, CallersDep, SignedInOrLeaving
from app.accounts.errors import AccountSuspended, SessionRequired, SessionRevoked
from app.accounts.sessions import handing, service
from app.accounts.sessions.devices import describe
from app.accounts.sessions.errors import InvalidRefreshToken, SessionNotFound
from app.accounts.sessions.models import Session
from app.accounts.sessions.schemas import Refresh, SessionRead, SessionStarted
from app.accounts.users.schemas import UserRead
from app.core import conditional
from app.core.db import DatabaseDep, DbSession
from app.core.dependencies import SettingsDep
from app.core.ids import SessionId
from app.core.paging import Page, PageParams
from app.core.problems import DependencyDown, Internal, InvalidCursor, InvalidRequest, MalformedRequest, problems
from app.core.visitor import VisitorDep

router = APIRouter(tags=["sessions"])


@router.post(
    "/v1/auth/refresh",
    response_model=SessionStarted,
    operation_id="refresh_session",
    responses=problems(
        InvalidRefreshToken,
        SessionRevoked,
        AccountSuspended,
        MalformedRequest,
        InvalidRequest,
        Internal,
        DependencyDown,
    ),
)
async def refresh_session(
    order: Refresh, request: Request, settings: SettingsDep, database: DatabaseDep, visitor: VisitorDep
) -> Response:
    """Change the refresh token for new tokens. A token that was changed before ends the session.

    The last change may be repeated for 30 seconds and has the same refresh token as answer, so two tabs may refresh at
    once, and a lost answer is no loss. Sessions with cookies need no refresh.
    """
    async with database.transaction() as session:
        found = await service.refresh(session, settings, order.refresh_token, visitor)
    if found is None:
        raise SessionRevoked(
            "The refresh token was used before: somebody has a copy. The session was ended; sign in again."
        )
    of, user = found
    return await handing.with_tokens(request, of, UserRead.model_validate(user))


@router.post(
    "/v1/auth/logout",
    status_code=204,
    operation_id="log_out",
    responses=problems(*LEAVING_PROBLEMS, SessionNotFound),
)
async def log_out(
    caller: SignedInOrLeaving, settings: SettingsDep, database: DatabaseDep, visitor: VisitorDep, callers: CallersDep
) -> Response:
    """End this session: its tokens and cookies open nothing any more."""
    if caller.session_id is None:
        raise SessionRequired("This token is another issuer's: sign out there.")
    try:
        async with database.transaction() as session:
            await service.end(session, caller, caller.session_id, visitor)
    finally:
        callers.forget(caller.session_id)
    return _without_cookies(settings)


@router.post(
    "/v1/auth/logout-everywhere",
    status_code=204,
    operation_id="log_out_everywhere",
    responses=problems(*LEAVING_PROBLEMS),
)
async def log_out_everywhere(
    caller: SignedInOrLeaving, settings: SettingsDep, database: DatabaseDep, visitor: VisitorDep, callers: CallersDep
) -> Response:
    """End all your sessions, this one too. API keys stay; so do tokens of other issuers until they expire."""
    try:
        async with database.transaction() as session:
            await service.end_others(session, caller, visitor, keep=None)
    finally:
        callers.forget(caller.user_id)
    return _without_cookies(settings)


@router.get(
    "/v1/me/sessions",
    response_model=Page[SessionRead],
    operation_id="list_sessions",
    responses=problems(*LEAVING_PROBLEMS, InvalidCursor),
)
async def list_sessions(caller: SignedInOrLeaving, page: PageParams, session: DbSession) -> Page[SessionRead]:
    """List where you are signed in, newest first."""
    found, cursor = await service.list_sessions(session, caller.user_id, page)
    return Page(data=[_shown(one, is_current=one.id == caller.session_id) for one in found], next_cursor=cursor)


@router.get(
    "/v1/me/sessions/{session_id}",
    response_model=SessionRead,
    operation_id="get_session",
    responses=problems(*LEAVING_PROBLEMS, SessionNotFound) | {304: {"description": "Not changed."}},
)
async def get_session(
    session_id: SessionId, request: Request, caller: SignedInOrLeaving, session: DbSession
) -> Response:
    """Read one of your open sessions."""
    one = await service.get_session(session, caller, session_id)
    return conditional.answer(request, _shown(one, is_current=one.id == caller.session_id))


@router.delete(
    "/v1/me/sessions/{session_id}",
    status_code=204,
    operation_id="end_session",
    responses=problems(*LEAVING_PROBLEMS, SessionNotFound),
)
async def end_session(
    session_id: SessionId, caller: SignedInOrLeaving, database: DatabaseDep, visitor: VisitorDep, callers: CallersDep
) -> Response:
    """End one of your sessions: that device is signed out within seconds."""
    try:
        async with database.transaction() as session:
            await service.end(session, caller, session_id, visitor)
    finally:
        callers.forget(session_id)
    return Response(status_code=204)


@router.delete(
    "/v1/me/sessions",
    status_code=204,
    operation_id="end_other_sessions",
    responses=problems(*LEAVING_PROBLEMS),
)
async def end_other_sessions(
    caller: SignedInOrLeaving, database: DatabaseDep, visitor: VisitorDep, callers: CallersDep
) -> Response:
    """End all your sessions but this one."""
    try:
        async with database.transaction() as session:
            await service.end_others(session, caller, visitor, keep=caller.session_id)
    finally:
        callers.forget(caller.user_id)
    return Response(status_code=204)


def _without_cookies(settings: SettingsDep) -> Response:
    response = Response(status_code=204)
    csrf.drop_cookies(response, settings)
    return response


def _shown(one: Session, *, is_current: bool) -> SessionRead:
    return SessionRead(
        id=one.id,
        device=describe(one.user_agent),
        user_agent=one.user_agent,
        ip=one.ip,
        kind="cookie" if one.kind == "cookie" else "bearer",
        current=is_current,
        created_at=one.created_at,
        last_used_at=one.last_used_at,
        expires_at=one.expires_at,
    )
