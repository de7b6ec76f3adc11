"""A user's own identities over HTTP."""

from fastapi import APIRouter, Request, Response

from app.accounts.caller import CONFIRMED_PROBLEMS, SIGNED_IN_PROBLEMS, CallersDep, Confirmed, SignedIn
from app.accounts.errors import EmailUnverified, InvalidToken
from app.accounts.identities import linking, notes
from app.accounts.identities.errors import IdentityNotFound, IdentityTaken, InvalidOauthCode, LastWayIn
from app.accounts.identities.schemas import IdentityLink, IdentityRead, IdentityToken, OauthExchange
from app.core import conditional, jwt
from app.core.db import DbSession
from app.core.dependencies import SettingsDep
from app.core.ids import IdentityId, encode
from app.core.jwt import InvalidJwt
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, InvalidRequest, problems
from app.core.visitor import VisitorDep

router = APIRouter(prefix="/v1/me/identities", tags=["identities"])


@router.post(
    "",
    status_code=201,
    response_model=IdentityRead,
    operation_id="link_identity",
    responses=problems(*CONFIRMED_PROBLEMS, InvalidOauthCode, EmailUnverified, IdentityTaken),
)
async def link_identity(
    order: IdentityLink,
    caller: Confirmed,
    callers: CallersDep,
    settings: SettingsDep,
    session: DbSession,
    visitor: VisitorDep,
    response: Response,
) -> IdentityRead:
    """Link an identity elsewhere to your account: from now on it signs you in too.

    Give the code of `GET /v1/auth/oauth/{provider}/authorize?link=true`, or a token of an issuer this installation
    trusts. The same again does no harm; a code is good once, so after a lost answer look at your identities first.
    """
    match order.root:
        case OauthExchange(code=code, code_verifier=verifier):
            identity = await linking.link_by_code(session, settings, caller, code, verifier, visitor)
        case IdentityToken(token=token):
            try:
                outsider = await callers.issuers.read(token, jwt.peek(token))
            except InvalidJwt as fault:
                raise InvalidRequest.at("/token", f"The token is not good: {fault}.", code=InvalidToken.code) from None
            who = (outsider.issuer.issuer, outsider.subject)
            identity = await linking.link(session, settings, caller, who, outsider.email, visitor)
    response.headers["Location"] = f"/v1/me/identities/{encode('ident', identity.id)}"
    return notes.shown(settings, identity)


@router.get(
    "",
    response_model=Page[IdentityRead],
    operation_id="list_identities",
    responses=problems(*SIGNED_IN_PROBLEMS, InvalidCursor),
)
async def list_identities(
    caller: SignedIn, settings: SettingsDep, page: PageParams, session: DbSession
) -> Page[IdentityRead]:
    """List your identities elsewhere, newest first."""
    identities, cursor = await linking.list_own(session, caller, page)
    return Page(data=[notes.shown(settings, identity) for identity in identities], next_cursor=cursor)


@router.get(
    "/{identity_id}",
    response_model=IdentityRead,
    operation_id="get_identity",
    responses=problems(*SIGNED_IN_PROBLEMS, IdentityNotFound) | {304: {"description": "Not changed."}},
)
async def get_identity(
    identity_id: IdentityId, request: Request, caller: SignedIn, settings: SettingsDep, session: DbSession
) -> Response:
    """Read one of your identities."""
    return conditional.answer(request, notes.shown(settings, await linking.get(session, caller, identity_id)))


@router.delete(
    "/{identity_id}",
    status_code=204,
    operation_id="unlink_identity",
    responses=problems(*CONFIRMED_PROBLEMS, IdentityNotFound, LastWayIn),
)
async def unlink_identity(
    identity_id: IdentityId, caller: Confirmed, settings: SettingsDep, session: DbSession, visitor: VisitorDep
) -> Response:
    """Unlink an identity: it signs you in no more. Sessions that are open stay."""
    await linking.unlink(session, settings, caller, identity_id, visitor)
    return Response(status_code=204)
