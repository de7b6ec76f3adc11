"""Signing in by a provider over HTTP: to it, back from it, and the exchange of what a redirect carried."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import JSONResponse, RedirectResponse

from app.accounts.errors import AccountSuspended, SessionRevoked
from app.accounts.identities import cookie, flow, linking, notes, returning, service
from app.accounts.identities.attempts import CHALLENGE_PATTERN, CODE_SECONDS, AttemptSecrets, BegunAttempt, new_secret
from app.accounts.identities.client import Provider, refuse, told
from app.accounts.identities.desk import OauthDesk, OauthDeskDep
from app.accounts.identities.errors import (
    AccessDenied,
    IdentityTaken,
    InvalidOauthAttempt,
    InvalidOauthCode,
    LinkRequired,
    OauthEmailUnverified,
    OauthNotConfigured,
    OauthProviderUnavailable,
    OauthRefused,
)
from app.accounts.identities.schemas import (
    IdentityConfirm,
    IdentityRead,
    OauthCodeRead,
    OauthExchange,
    OauthFinished,
    OauthProviderRead,
    OauthProviders,
    ProviderName,
)
from app.accounts.proofs.errors import InvalidLink
from app.accounts.sessions.handing import hand_over
from app.accounts.sessions.schemas import SessionStarted
from app.accounts.signing_in import limits
from app.accounts.signing_in.errors import DisposableAddress
from app.accounts.users.errors import MailboxFull
from app.core import throttle
from app.core.db import Database, DatabaseDep, DbSession
from app.core.dependencies import SettingsDep
from app.core.problems import DependencyDown, Internal, InvalidRequest, MalformedRequest, Problem, problems
from app.core.settings import Settings
from app.core.throttle import Limit, TooManyAttempts
from app.core.visitor import Visitor, VisitorDep

router = APIRouter(prefix="/v1/auth", tags=["oauth"])
# The URLs hold what is good for a moment: neither kept nor told to the next site.
_UNTOLD = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_GOES_ON: dict[int | str, dict[str, Any]] = {302: {"description": "The browser goes on."}}
_COMMON = (InvalidRequest, MalformedRequest, Internal, DependencyDown)
_CHALLENGE_WHY = (
    "Give a code_challenge: the SHA-256, as base64url without padding, of a secret of yours, the code_verifier "
    "(RFC 7636, S256). The redirect carries a code that is of use to you alone."
)


@router.get("/oauth", response_model=OauthProviders, operation_id="list_oauth_providers", responses=problems(Internal))
async def list_oauth_providers(desk: OauthDeskDep) -> OauthProviders:
    """List the providers users can sign in with here."""
    return OauthProviders(data=[_shown(desk, provider) for provider in desk.providers])


def _shown(desk: OauthDesk, provider: Provider) -> OauthProviderRead:
    return OauthProviderRead.model_validate(
        {"name": provider.name, "title": provider.title, "authorize_url": desk.url(provider.name, "authorize")}
    )


def _limit(settings: Settings) -> Limit:
    return Limit("sign-ins at providers", settings.auth.oauth_per_network, 3600)


@router.get(
    "/oauth/{provider}/authorize",
    status_code=302,
    response_class=RedirectResponse,
    operation_id="begin_oauth",
    responses=problems(OauthNotConfigured, TooManyAttempts, OauthProviderUnavailable, *_COMMON) | _GOES_ON,
)
async def begin_oauth(
    provider: ProviderName,
    desk: OauthDeskDep,
    settings: SettingsDep,
    database: DatabaseDep,
    visitor: VisitorDep,
    redirect_to: Annotated[
        str | None,
        Query(description="Where to go afterwards: a path, or a URL of a front end that is allowed. None: JSON."),
    ] = None,
    cookies: Annotated[bool, Query(description="Sign in with cookies instead of a code for tokens.")] = False,
    link: Annotated[bool, Query(description="Get a code to link the identity with: `POST /v1/me/identities`.")] = False,
    code_challenge: Annotated[
        str | None, Query(pattern=CHALLENGE_PATTERN, description="S256, of the code_verifier of the exchange.")
    ] = None,
) -> Response:
    """Send the browser to a provider to sign in.

    It comes back to `redirect_to`: with `#code=…` for `POST /v1/auth/oauth/exchange`, with cookies, or with `?error=`
    and the code of a problem.
    """
    found = desk.find(provider)
    target = returning.target(settings, redirect_to) if redirect_to is not None else None
    if code_challenge is None and (link or (target is not None and not cookies)):
        raise InvalidRequest.at("query:code_challenge", _CHALLENGE_WHY)
    secrets = AttemptSecrets(settings, new_secret())
    try:
        await throttle.take(database, settings, (_limit(settings), visitor.network))
        url = await found.authorize_url(secrets, desk.url(provider, "callback"))
    except Problem as problem:
        return _told(problem, target)
    async with database.transaction() as session:
        flow.begin(
            session,
            secrets,
            provider=provider,
            purpose="link" if link else "sign_in",
            redirect_to=target,
            cookies=cookies,
            challenge=code_challenge,
        )
    response = RedirectResponse(url, 302, _UNTOLD)
    cookie.put(response, settings, secrets)
    return response


@router.get(
    "/oauth/{provider}/callback",
    response_model=OauthFinished,
    operation_id="finish_oauth",
    responses=problems(
        OauthNotConfigured,
        InvalidOauthAttempt,
        AccessDenied,
        OauthRefused,
        OauthEmailUnverified,
        DisposableAddress,
        LinkRequired,
        MailboxFull,
        AccountSuspended,
        SessionRevoked,
        OauthProviderUnavailable,
        *_COMMON,
    )
    | _GOES_ON,
)
async def finish_oauth(
    provider: ProviderName,
    request: Request,
    desk: OauthDeskDep,
    settings: SettingsDep,
    database: DatabaseDep,
    visitor: VisitorDep,
    state: Annotated[str, Query(max_length=200, description="As it was given to the provider.")] = "",
    code: Annotated[str | None, Query(max_length=4096, description="Of the provider, for its tokens.")] = None,
    error: Annotated[str | None, Query(max_length=200, description="Why there is no code.")] = None,
    iss: Annotated[str | None, Query(max_length=500, description="Who answers (RFC 9207).")] = None,
) -> Response:
    """Where providers send browsers back to: register it there, and leave calling it to them.

    Without a `redirect_to` the answer is the session itself, or with `link` the code.
    """
    attempt = await flow.take(database, cookie.read(request, settings, state), provider)
    try:
        code = _checked(desk, attempt, code, error, iss)
        response = await _finish(request, desk, database, visitor, attempt, code)
    except Problem as problem:
        response = _told(problem, attempt.redirect_to)
    cookie.drop(response, settings, state)
    response.headers.update(_UNTOLD)
    return response


def _checked(desk: OauthDesk, attempt: BegunAttempt, code: str | None, error: str | None, iss: str | None) -> str:
    """The code. Raises OauthRefused or AccessDenied."""
    if iss is not None and not desk.find(attempt.provider).is_issuer(iss):
        refuse(
            attempt.provider,
            "the callback is of another issuer",
            "The answer is of another issuer than the one that was asked.",
        )
    if error == "access_denied":
        raise AccessDenied
    if error is not None or not code:
        refuse(attempt.provider, f"the callback says {told(error)}", "The provider gave no code.")
    return code


async def _finish(
    request: Request, desk: OauthDesk, database: Database, visitor: Visitor, attempt: BegunAttempt, code: str
) -> Response:
    """What the browser gets, or where it goes. Raises what is told it instead."""
    settings: Settings = request.app.state.settings
    claims = await desk.identify(code, attempt)  # the provider is asked before there is a transaction
    async with database.transaction() as session:
        if attempt.purpose == "link":
            assert attempt.challenge is not None
            return _with_code(flow.add_link_code(session, attempt.challenge, claims), attempt.redirect_to)
        found = await service.sign_in(session, settings, claims, visitor)
        if not isinstance(found, Problem):
            user, identity = found
            if attempt.redirect_to is None or attempt.cookies:
                return await hand_over(
                    request, session, user, visitor, cookies=attempt.cookies, redirect_to=attempt.redirect_to
                )
            assert attempt.challenge is not None
            return _with_code(flow.add_sign_in_code(session, attempt.challenge, identity), attempt.redirect_to)
    raise found  # its mail is on its way


def _with_code(code: str, redirect_to: str | None) -> Response:
    if redirect_to is not None:
        return RedirectResponse(returning.with_code(redirect_to, code), 302)
    return JSONResponse(OauthCodeRead(code=code, expires_in=CODE_SECONDS).model_dump())


def _told(problem: Problem, redirect_to: str | None) -> Response:
    """Back to the front end with the problem's code; raises it where there is no way back."""
    if redirect_to is None:
        raise problem
    return RedirectResponse(returning.with_error(redirect_to, problem.code), 302, _UNTOLD)


@router.post(
    "/oauth/exchange",
    response_model=SessionStarted,
    operation_id="exchange_oauth_code",
    responses=problems(InvalidOauthCode, AccountSuspended, SessionRevoked, *_COMMON),
)
async def exchange_oauth_code(
    order: OauthExchange, request: Request, session: DbSession, visitor: VisitorDep
) -> Response:
    """Exchange the code of a redirect for tokens: once, within a minute, by who began."""
    user = await flow.exchange(session, order.code, order.code_verifier)
    return await hand_over(request, session, user, visitor, cookies=False)


@router.post(
    "/confirm-identity",
    response_model=IdentityRead,
    operation_id="confirm_identity",
    responses=problems(InvalidLink, IdentityTaken, MailboxFull, AccountSuspended, TooManyAttempts, *_COMMON),
)
async def confirm_identity(
    order: IdentityConfirm, settings: SettingsDep, database: DatabaseDep, visitor: VisitorDep
) -> IdentityRead:
    """Allow an identity elsewhere to sign in, by the link in the mail that asks for it. Signs nobody in by itself."""
    await limits.open_link(database, settings, visitor)
    async with database.transaction() as session:
        identity = await linking.confirm(session, settings, order.token, visitor)
        return notes.shown(settings, identity)
