"""Who is calling: FastAPI dependencies of every route that is not public."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials

from app.accounts import csrf
from app.accounts.caller_cache import CallerCache
from app.accounts.errors import (
    AccountSuspended,
    AdminRequired,
    ConfirmationRequired,
    CsrfFailed,
    DeletionScheduled,
    InvalidApiKey,
    InvalidToken,
    MissingCredentials,
    MissingScope,
    SessionRequired,
    SessionRevoked,
    WorkspaceNotFound,
)
from app.accounts.issuers.errors import AccountExists
from app.accounts.keys.errors import IpNotAllowed, RateLimited
from app.accounts.keys.limits import KeyGate
from app.accounts.models import Scope
from app.accounts.recognition import Place
from app.accounts.schemas import CallerInfo
from app.core import clock, hot
from app.core.db import UNREACHABLE
from app.core.ids import decode
from app.core.problems import (
    DependencyDown,
    Internal,
    InvalidRequest,
    MalformedRequest,
    Problem,
)
from app.core.visitor import visitor_of

CONFIRMED_FOR = timedelta(minutes=10)

_bearer = HTTPBearer(
    auto_error=False, scheme_name="Bearer", description="`Authorization: Bearer <access token or API key>`"
)
_header = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="ApiKey", description="An API key.")
_cookie = APIKeyCookie(
    name=csrf.SESSION_COOKIE,
    auto_error=False,
    scheme_name="Cookie",
    description=f"The session of a browser. POST, PUT, PATCH and DELETE need the value of the cookie"
    f" `{csrf.CSRF_COOKIE}` as the header `X-CSRF-Token` besides.",
)

_KNOWN_PROBLEMS: tuple[type[Problem], ...] = (
    MissingCredentials,
    InvalidToken,
    SessionRevoked,
    AccountSuspended,
    CsrfFailed,
    WorkspaceNotFound,
    AccountExists,
    InvalidRequest,
    MalformedRequest,
    Internal,
    DependencyDown,
)
# What any route with a caller may answer with, beside its own; and any of a user who is signed in, with
# SignedInOrLeaving, SignedIn, Confirmed or Admin.
CALLER_PROBLEMS: tuple[type[Problem], ...] = (
    InvalidApiKey,
    MissingScope,
    IpNotAllowed,
    RateLimited,
    DeletionScheduled,
    *_KNOWN_PROBLEMS,
)
LEAVING_PROBLEMS: tuple[type[Problem], ...] = (SessionRequired, InvalidApiKey, *_KNOWN_PROBLEMS)
SIGNED_IN_PROBLEMS: tuple[type[Problem], ...] = (DeletionScheduled, *LEAVING_PROBLEMS)
CONFIRMED_PROBLEMS: tuple[type[Problem], ...] = (ConfirmationRequired, *SIGNED_IN_PROBLEMS)
ADMIN_PROBLEMS: tuple[type[Problem], ...] = (AdminRequired, *SIGNED_IN_PROBLEMS)


def get_callers(request: Request) -> CallerCache:
    callers: CallerCache = request.app.state.callers
    return callers


CallersDep = Annotated[CallerCache, Depends(get_callers)]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of who calls, where it stands, and the workspace it names."""

    IN_SCOPE: ClassVar[str] = "backlot.shown"
    """Where it is in a request's scope whose credential was taken for it (`app.accounts.tickets`)."""

    text: str | None
    place: Place
    workspace: str | None


def presented(request: Request) -> Shown:
    """The bearer token, else `X-API-Key`, else the session cookie."""
    known: Shown | None = request.scope.get(Shown.IN_SCOPE)
    if known is not None:
        return known
    workspace = hot.header(request, b"x-workspace-id")
    scheme, _, token = (hot.header(request, b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and (token := token.strip()):
        return Shown(token, "bearer", workspace)
    if key := hot.header(request, b"x-api-key"):
        return Shown(key, "key", workspace)
    return Shown(csrf.session_cookie(request), "cookie", workspace)


def _workspace_id(text: str | None) -> UUID | None:
    try:
        return decode("ws", text) if text is not None else None
    except ValueError as fault:
        raise MalformedRequest.at("header:X-Workspace-Id", f"X-Workspace-Id is {fault}.") from None


async def recognise(request: Request, *, is_fresh: bool = False) -> CallerInfo:
    """Who is calling, whatever they may do. `is_fresh`: as the database has it now.

    Raises MissingCredentials, InvalidApiKey, InvalidToken, SessionRevoked, AccountSuspended, WorkspaceNotFound,
    CsrfFailed, IpNotAllowed or RateLimited.
    """
    shown = presented(request)
    text, place = shown.text, shown.place
    if not text:
        raise MissingCredentials
    callers = get_callers(request)
    workspace_id = _workspace_id(shown.workspace)
    visitor = partial(visitor_of, request)
    caller = await callers.find(text, workspace_id, place, visitor=visitor)
    if is_fresh:
        callers.forget(caller.session_id or caller.user_id)
        caller = await callers.find(text, workspace_id, place, visitor=visitor)
    if place == "cookie" and caller.session_id is not None:
        csrf.check(request, caller.session_id)
    if caller.limits is not None:
        gate: KeyGate = request.app.state.key_gate
        await gate.admit(request, caller)
    return caller


def permit(caller: CallerInfo, *scopes: str, leaving: bool = False) -> None:
    """`leaving`: those whose account is to be deleted may too. Raises DeletionScheduled or MissingScope."""
    if caller.is_leaving and not leaving:
        raise DeletionScheduled
    for scope in scopes:
        if scope not in caller.scopes:
            whose = "This key" if caller.key_id else f"Your role in this workspace ({caller.role})"
            raise MissingScope(f"{whose} lacks the scope {str(scope)!r}.", required_scope=str(scope))


async def authenticate(request: Request, *scopes: str) -> CallerInfo:
    """Who is calling, and may do this. Raises what `recognise` and `permit` raise."""
    caller = await recognise(request)
    permit(caller, *scopes)
    return caller


async def is_still_admitted(request: Request, *scopes: str) -> bool:
    """For answers that go on for long: False once the key was revoked, the session ended, or the user suspended."""
    try:
        await authenticate(request, *scopes)
    except Problem:
        return False
    except UNREACHABLE:
        pass  # nobody can say
    return True


WorkspaceHeader = Annotated[
    str | None,
    Header(
        alias="X-Workspace-Id",
        description="Which of your workspaces; default: your personal one. An API key is of one workspace anyway.",
        examples=["ws_01jcqzm4x8e3v9tk5h2w7d6n0p"],
    ),
]


async def _recognised(request: Request) -> CallerInfo:
    """Once for each request: the schemes and headers stand where they are asked for."""
    return await recognise(request)


RecognisedDep = Annotated[CallerInfo, Depends(_recognised)]


async def _caller(
    caller: RecognisedDep,
    scopes: SecurityScopes,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
    cookie: Annotated[str | None, Security(_cookie)],
    workspace: WorkspaceHeader = None,
) -> CallerInfo:
    """What `authenticate` finds; all but the first two are for the OpenAPI document."""
    permit(caller, *scopes.scopes)
    return caller


async def shown(
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
    cookie: Annotated[str | None, Security(_cookie)],
) -> None:
    """The ways to show who one is, for the document of routes that ask for scopes in the workspace of their path."""


async def _themselves(
    caller: RecognisedDep,
    scopes: SecurityScopes,
    shown: Annotated[None, Security(shown)],
    workspace: WorkspaceHeader = None,
) -> CallerInfo:
    """As `_caller`, and users (not their keys) also while they wait for their account's end."""
    permit(caller, *scopes.scopes, leaving=caller.key_id is None)
    return caller


async def _signed_in(
    caller: RecognisedDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    cookie: Annotated[str | None, Security(_cookie)],
) -> CallerInfo:
    """A user by session or by a token of another issuer, never an API key."""
    if caller.key_id is not None:
        raise SessionRequired
    return caller


SignedInOrLeaving = Annotated[CallerInfo, Depends(_signed_in)]
"""For what a user may still do whose account is to be deleted: look at it, take data along, keep it, sign out."""


async def _staying(caller: SignedInOrLeaving) -> CallerInfo:
    permit(caller)
    return caller


SignedIn = Annotated[CallerInfo, Depends(_staying)]


async def confirmed(request: Request, caller: CallerInfo) -> CallerInfo:
    """The caller, who proved again who they are a moment ago. Raises ConfirmationRequired."""
    if caller.session_id is None:
        raise ConfirmationRequired(
            "This is not possible with a token of another issuer, which cannot be confirmed here: sign in here."
        )
    if not _is_confirmed(caller):
        caller = await recognise(request, is_fresh=True)  # another process may have confirmed it just now
    if not _is_confirmed(caller):
        raise ConfirmationRequired
    return caller


async def _confirmed(request: Request, caller: SignedInOrLeaving) -> CallerInfo:
    """A user who signed in, and proved again who they are a moment ago."""
    return await confirmed(request, caller)


ConfirmedOrLeaving = Annotated[CallerInfo, Depends(_confirmed)]


async def _confirmed_staying(staying: SignedIn, caller: ConfirmedOrLeaving) -> CallerInfo:
    return caller


Confirmed = Annotated[CallerInfo, Depends(_confirmed_staying)]


def _is_confirmed(caller: CallerInfo) -> bool:
    return caller.confirmed_at is not None and caller.confirmed_at > clock.now() - CONFIRMED_FOR


async def _admin(caller: SignedIn) -> CallerInfo:
    """A user who is signed in and an admin of the installation."""
    if not caller.is_admin:
        raise AdminRequired
    return caller


Admin = Annotated[CallerInfo, Depends(_admin)]


def requires(*scopes: Scope) -> Any:
    """The dependency giving the caller, who has these scopes: `caller: Annotated[CallerInfo, requires(...)]`."""
    return Security(_caller, scopes=[scope.value for scope in scopes])


EventsReader = Annotated[CallerInfo, requires(Scope.EVENTS_READ)]
WorkspaceReader = Annotated[CallerInfo, requires(Scope.WORKSPACE_READ)]
Themselves = Annotated[CallerInfo, Security(_themselves, scopes=[Scope.WORKSPACE_READ.value])]
TasksReader = Annotated[CallerInfo, requires(Scope.TASKS_READ)]
TasksWriter = Annotated[CallerInfo, requires(Scope.TASKS_WRITE)]
AssetsReader = Annotated[CallerInfo, requires(Scope.ASSETS_READ)]
AssetsWriter = Annotated[CallerInfo, requires(Scope.ASSETS_WRITE)]
CreditsReader = Annotated[CallerInfo, requires(Scope.CREDITS_READ)]
CreditsKeeper = Annotated[CallerInfo, requires(Scope.WORKSPACE_WRITE)]
KeysReader = Annotated[CallerInfo, requires(Scope.KEYS_READ)]
KeysWriter = Annotated[CallerInfo, requires(Scope.KEYS_WRITE)]
WebhooksReader = Annotated[CallerInfo, requires(Scope.WEBHOOKS_READ)]
WebhooksWriter = Annotated[CallerInfo, requires(Scope.WEBHOOKS_WRITE)]
