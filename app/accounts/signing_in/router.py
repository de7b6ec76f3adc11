"""Signing up and in over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.accounts.caller import LEAVING_PROBLEMS, SIGNED_IN_PROBLEMS, SignedIn, SignedInOrLeaving, confirmed, recognise
from app.accounts.errors import AccountSuspended, ConfirmationRequired, EmailUnverified
from app.accounts.proofs.errors import InvalidLink
from app.accounts.sessions.schemas import SessionStarted
from app.accounts.signing_in import flows
from app.accounts.signing_in.desk import SignInDesk
from app.accounts.signing_in.errors import (
    CaptchaFailed,
    CaptchaRequired,
    DisposableAddress,
    EmailTaken,
    InvalidCredentials,
    PasswordNeeded,
    TooManySignIns,
    WeakPassword,
    WrongPassword,
)
from app.accounts.signing_in.schemas import (
    EmailChange,
    EmailChangeRead,
    EmailVerification,
    LinkOpened,
    LinkWanted,
    LogIn,
    MailPromised,
    PasswordChange,
    PasswordReset,
    SignUp,
    VerificationWanted,
)
from app.accounts.users.errors import MailboxFull
from app.core.problems import DependencyDown, Internal, InvalidRequest, MalformedRequest, Problem, problems
from app.core.throttle import TooManyAttempts
from app.core.visitor import VisitorDep

router = APIRouter(prefix="/v1/auth", tags=["signing-in"])

_ANY: tuple[type[Problem], ...] = (InvalidRequest, MalformedRequest, TooManyAttempts, Internal, DependencyDown)
_CAPTCHA: tuple[type[Problem], ...] = (CaptchaRequired, CaptchaFailed)
_MAKING: tuple[type[Problem], ...] = (WeakPassword, TooManySignIns)


def _desk(request: Request) -> SignInDesk:
    desk: SignInDesk = request.app.state.sign_in
    return desk


DeskDep = Annotated[SignInDesk, Depends(_desk)]


async def _signed_in(request: Request) -> UUID | None:
    """Who is signed in, if anybody is; credentials that are no good are none. Raises DependencyDown."""
    try:
        caller = await recognise(request)
    except DependencyDown:
        raise
    except Problem:
        return None
    return caller.user_id if caller.key_id is None else None


MaybeSignedIn = Annotated[UUID | None, Depends(_signed_in)]


@router.post(
    "/signup",
    status_code=202,
    response_model=MailPromised,
    operation_id="sign_up",
    responses=problems(*_ANY, *_CAPTCHA, *_MAKING, DisposableAddress),
)
async def sign_up(order: SignUp, desk: DeskDep, visitor: VisitorDep) -> MailPromised:
    """Sign up with an address and a password: a mail with a link is sent.

    The answer is the same when the address has an account: then the mail says so. Nobody is signed in by this. A user
    may sign in before the address is verified (unless the operator turned that off), but spends no credits until it is.
    """
    await flows.sign_up(desk, visitor, order)
    return MailPromised()


@router.post(
    "/verify-email",
    status_code=204,
    operation_id="verify_email",
    responses=problems(*_ANY, InvalidLink, PasswordNeeded, WrongPassword, MailboxFull, TooManySignIns),
)
async def verify_email(
    order: EmailVerification, desk: DeskDep, visitor: VisitorDep, signed_in: MaybeSignedIn
) -> Response:
    """Verify the address by the link's token.

    Send the session along if there is one (with an access token that has not expired), or ask for the password: only
    then it is clear that whoever reads the mailbox is who knows the password, and nothing has to be dropped when they
    come by another way.
    """
    await flows.verify(desk, visitor, order, signed_in)
    return Response(status_code=204)


@router.post(
    "/resend-verification",
    status_code=202,
    response_model=MailPromised,
    operation_id="resend_verification",
    responses=problems(*_ANY, *_CAPTCHA),
)
async def resend_verification(order: VerificationWanted, desk: DeskDep, visitor: VisitorDep) -> MailPromised:
    """Send another link, if the address has an account and is not verified yet. The answer is always the same."""
    await flows.send_verification(desk, visitor, order)
    return MailPromised()


@router.post(
    "/login",
    response_model=SessionStarted,
    operation_id="log_in",
    responses=problems(*_ANY, *_CAPTCHA, InvalidCredentials, AccountSuspended, TooManySignIns),
)
async def log_in(order: LogIn, request: Request, desk: DeskDep, visitor: VisitorDep) -> Response:
    """Sign in: the answer has the session's tokens, or with `cookies` sets its cookies.

    After five wrong passwords for an account from one network, that network waits for 15 minutes: whether there is such
    an account or not. Sessions that are open go on, and a reset by mail opens the way again.
    """
    return await flows.log_in(request, desk, visitor, order)


@router.post(
    "/forgot-password",
    status_code=202,
    response_model=MailPromised,
    operation_id="forgot_password",
    responses=problems(*_ANY, *_CAPTCHA),
)
async def forgot_password(order: LinkWanted, desk: DeskDep, visitor: VisitorDep) -> MailPromised:
    """Send a link that sets a new password, if the address has an account. The answer is always the same."""
    await flows.send_reset(desk, visitor, order)
    return MailPromised()


@router.post(
    "/reset-password",
    status_code=204,
    operation_id="reset_password",
    responses=problems(*_ANY, *_MAKING, InvalidLink, MailboxFull),
)
async def reset_password(order: PasswordReset, desk: DeskDep, visitor: VisitorDep) -> Response:
    """Set a new password by the link's token: all sessions end, and all other links die."""
    await flows.reset(desk, visitor, order)
    return Response(status_code=204)


@router.post(
    "/change-password",
    status_code=204,
    operation_id="change_password",
    responses=problems(*LEAVING_PROBLEMS, *_MAKING, TooManyAttempts, WrongPassword, ConfirmationRequired),
)
async def change_password(
    order: PasswordChange, request: Request, caller: SignedInOrLeaving, desk: DeskDep, visitor: VisitorDep
) -> Response:
    """Change the password: all other sessions end. Who has none yet sets one with a confirmed session."""
    user = await desk.get_user(caller.user_id)
    if user.password_hash is None:
        await confirmed(request, caller)
    await flows.change_password(desk, visitor, order, user, caller.session_id)
    return Response(status_code=204)


@router.post(
    "/change-email",
    status_code=202,
    response_model=MailPromised,
    operation_id="change_email",
    responses=problems(
        *SIGNED_IN_PROBLEMS,
        *(TooManyAttempts, TooManySignIns, WrongPassword, ConfirmationRequired, EmailUnverified, DisposableAddress),
    ),
)
async def change_email(
    order: EmailChange, request: Request, caller: SignedIn, desk: DeskDep, visitor: VisitorDep
) -> MailPromised:
    """Ask for another address: a link is sent to the old one and to the new one, and both have to be opened."""
    user = await desk.get_user(caller.user_id)
    if user.password_hash is None:
        await confirmed(request, caller)
    await flows.ask_for_move(desk, visitor, order, user, caller)
    return MailPromised()


@router.post(
    "/confirm-email-change",
    response_model=EmailChangeRead,
    operation_id="confirm_email_change",
    responses=problems(*_ANY, InvalidLink, EmailTaken, MailboxFull),
)
async def confirm_email_change(
    order: LinkOpened, desk: DeskDep, visitor: VisitorDep, signed_in: MaybeSignedIn
) -> EmailChangeRead:
    """Open one of the two links; with the second the address is changed."""
    return EmailChangeRead(status=await flows.confirm_move(desk, visitor, order.token, signed_in))
