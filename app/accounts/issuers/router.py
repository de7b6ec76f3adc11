"""Users of other issuers over HTTP."""

from fastapi import APIRouter

from app.accounts.caller import CONFIRMED_PROBLEMS, CallersDep, Confirmed
from app.accounts.errors import EmailUnverified, InvalidToken
from app.accounts.issuers import service
from app.accounts.issuers.errors import IdentityTaken
from app.accounts.issuers.schemas import IdentityLink, LinkedIdentity
from app.core import jwt
from app.core.db import DbSession
from app.core.jwt import InvalidJwt
from app.core.problems import InvalidRequest, problems
from app.core.visitor import VisitorDep

router = APIRouter(prefix="/v1/me/identities", tags=["identities"])


@router.post(
    "",
    response_model=LinkedIdentity,
    operation_id="link_identity",
    responses=problems(*CONFIRMED_PROBLEMS, EmailUnverified, IdentityTaken),
)
async def link_identity(
    order: IdentityLink, caller: Confirmed, callers: CallersDep, session: DbSession, visitor: VisitorDep
) -> LinkedIdentity:
    """Link your user at a trusted issuer: its tokens sign you in here from now on.

    Once is enough; the same again does no harm.
    """
    try:
        outsider = await callers.issuers.read(order.token, jwt.peek(order.token))
    except InvalidJwt as fault:
        raise InvalidRequest.at("/token", f"The token is not good: {fault}.", code=InvalidToken.code) from None
    return LinkedIdentity.model_validate(await service.link(session, caller, visitor, outsider))
