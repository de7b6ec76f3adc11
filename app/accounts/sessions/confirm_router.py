"""Confirming a session over HTTP."""

from fastapi import APIRouter, Request

from app.accounts.caller import CONFIRMED_FOR, CONFIRMED_PROBLEMS, CallersDep, recognise
from app.accounts.errors import ConfirmationRequired, SessionRequired
from app.accounts.proofs.errors import InvalidLink
from app.accounts.sessions import confirming
from app.accounts.sessions.schemas import Confirm, ConfirmationRead
from app.accounts.signing_in.errors import TooManySignIns, WrongPassword
from app.accounts.signing_in.router import DeskDep
from app.core.problems import InvalidRequest, problems
from app.core.throttle import TooManyAttempts
from app.core.visitor import VisitorDep

router = APIRouter(tags=["sessions"])


@router.post(
    "/v1/auth/confirm",
    response_model=ConfirmationRead,
    operation_id="confirm_session",
    responses=problems(*CONFIRMED_PROBLEMS, InvalidLink, WrongPassword, TooManyAttempts, TooManySignIns),
)
async def confirm_session(
    order: Confirm, request: Request, desk: DeskDep, visitor: VisitorDep, callers: CallersDep
) -> ConfirmationRead:
    """Show again that it is you, for what wants it fresh: that is open to this session for ten minutes.

    Send the password with the session's own credentials. Without a password on the account send `{}`: a mail brings a
    link, and its `token` confirms the session that asked for it.
    """
    if order.token is not None:
        if order.password is not None:
            raise InvalidRequest.at("/password", "Give the password or the token, not both.")
        at = await confirming.by_link(desk, visitor, order.token)
        return ConfirmationRead(status="confirmed", confirmed_until=at + CONFIRMED_FOR)
    caller = await recognise(request)
    if caller.key_id is not None:
        raise SessionRequired
    if caller.session_id is None:
        raise ConfirmationRequired("A token of another issuer cannot be confirmed here: sign in here.")
    if order.password is None:
        await confirming.send_link(desk, visitor, caller)
        return ConfirmationRead(status="mail_sent", confirmed_until=None)
    at = await confirming.by_password(desk, visitor, caller, order.password)
    callers.forget(caller.session_id)
    return ConfirmationRead(status="confirmed", confirmed_until=at + CONFIRMED_FOR)
