"""Signing up and in, from what was asked for to what was done.

Hashing a password and asking whether a captcha was solved take long: they stand between short transactions, which are
opened here. Whatever depends on whether an address is known is done at one pace.
"""

from uuid import UUID

from fastapi import Request, Response

from app.accounts.errors import SessionRevoked
from app.accounts.models import User
from app.accounts.proofs.models import Purpose
from app.accounts.schemas import CallerInfo
from app.accounts.sessions.handing import hand_over_alone
from app.accounts.signing_in import guards, limits, moving, pace, resetting, signing_up
from app.accounts.signing_in.desk import SignInDesk
from app.accounts.signing_in.errors import DisposableAddress, InvalidCredentials, WrongPassword
from app.accounts.signing_in.moving import Step
from app.accounts.signing_in.schemas import (
    EmailChange,
    EmailVerification,
    LinkWanted,
    LogIn,
    PasswordChange,
    PasswordReset,
    SignUp,
    VerificationWanted,
)
from app.accounts.users import queries as users_queries
from app.accounts.users import service as users
from app.accounts.users.mailboxes import is_disposable
from app.core.visitor import Visitor


async def sign_up(desk: SignInDesk, visitor: Visitor, order: SignUp) -> None:
    address = _lasting(desk, order.email)
    await desk.demand_captcha(order.captcha_token, visitor)
    await limits.sign_up(desk.database, desk.settings, visitor, address)
    async with pace.even(desk.settings):
        password_hash = await desk.make(order.password, address, order.name)
        async with desk.database.transaction() as session:
            await signing_up.sign_up(
                *(session, desk.settings, visitor),
                address=address,
                password_hash=password_hash,
                name=order.name,
                locale=order.locale,
            )


async def send_verification(desk: SignInDesk, visitor: Visitor, order: VerificationWanted) -> None:
    address = users.normal_address(order.email)
    await desk.demand_captcha(order.captcha_token, visitor, or_go_on=True)
    await limits.send_link(desk.database, desk.settings, visitor, address, Purpose.VERIFY_EMAIL)
    async with pace.even(desk.settings), desk.database.transaction() as session:
        await signing_up.send_again(session, desk.settings, address)


async def verify(desk: SignInDesk, visitor: Visitor, order: EmailVerification, signed_in: UUID | None) -> None:
    await limits.open_link(desk.database, desk.settings, visitor)
    async with desk.database.transaction() as session:
        opened = await signing_up.look(session, desk.settings, order.token)
    right_hash = None
    if order.password is not None:
        right_hash = await _first_right(desk, order.password, opened.hashes)
        if right_hash is None:
            raise WrongPassword.at("/password", WrongPassword.title())
    async with desk.database.transaction() as session:
        await signing_up.verify(
            session, desk.settings, visitor, order.token, right_hash=right_hash, signed_in=signed_in
        )


async def log_in(request: Request, desk: SignInDesk, visitor: Visitor, order: LogIn) -> Response:
    address = users.normal_address(order.email)
    async with pace.even(desk.settings, failures_only=True):
        user = await users_queries.find_password(desk.database, address)
        if user is not None and not user.is_verified and not desk.settings.auth.login_before_verification:
            user = None  # as if there were none: else who signed up would hear that there was none before
        verdict = await desk.try_password(
            address, user, order.password, visitor, captcha_token=order.captcha_token, asks_captcha=True
        )
        if user is None or not verdict.is_right:
            raise InvalidCredentials
        if verdict.renewed is not None and user.password_hash is not None:
            await users_queries.renew_hash(desk.database, user.id, user.password_hash, verdict.renewed)
        try:
            async with desk.room:
                return await hand_over_alone(
                    *(request, desk.database, user.id, visitor),
                    password_changed_at=user.password_changed_at,
                    cookies=order.cookies,
                )
        except SessionRevoked:  # it was changed while we looked at the old one
            raise InvalidCredentials from None


async def send_reset(desk: SignInDesk, visitor: Visitor, order: LinkWanted) -> None:
    address = users.normal_address(order.email)
    await desk.demand_captcha(order.captcha_token, visitor, or_go_on=True)
    await limits.send_link(desk.database, desk.settings, visitor, address, Purpose.RESET_PASSWORD)
    async with pace.even(desk.settings), desk.database.transaction() as session:
        await resetting.send_link(session, desk.settings, visitor, address)


async def reset(desk: SignInDesk, visitor: Visitor, order: PasswordReset) -> None:
    await limits.open_link(desk.database, desk.settings, visitor)
    async with desk.database.transaction() as session:
        owner = await resetting.owner_of(session, desk.settings, order.token)
    password_hash = await desk.make(order.password, owner.email, owner.name)
    # Before the link is used up: whoever has it may sign in from here again, also if we die in between.
    await guards.forgive(desk.database, desk.settings, owner.email, visitor)
    async with desk.database.transaction() as session:
        await resetting.reset(session, desk.settings, visitor, order.token, password_hash)


async def change_password(
    desk: SignInDesk, visitor: Visitor, order: PasswordChange, user: User, keep: UUID | None
) -> None:
    """`keep`: the session that goes on. Of a user without a password it has to be confirmed already."""
    if user.password_hash is not None:
        await _try_own(desk, visitor, user, order.current_password, "/current_password")
    password_hash = await desk.make(order.new_password, user.email, user.name, pointer="/new_password")
    async with desk.database.transaction() as session:
        await resetting.change(session, user, password_hash, visitor, keep=keep)


async def ask_for_move(desk: SignInDesk, visitor: Visitor, order: EmailChange, user: User, caller: CallerInfo) -> None:
    """Of a user without a password the session has to be confirmed already."""
    address = _lasting(desk, order.email)
    if user.password_hash is not None:
        await _try_own(desk, visitor, user, order.password, "/password")
    await limits.send_link(desk.database, desk.settings, visitor, address, Purpose.CHANGE_EMAIL_NEW)
    async with pace.even(desk.settings), desk.database.transaction() as session:
        await moving.ask(session, desk.settings, visitor, caller, address)


async def confirm_move(desk: SignInDesk, visitor: Visitor, token: str, signed_in: UUID | None) -> Step:
    await limits.open_link(desk.database, desk.settings, visitor)
    async with desk.database.transaction() as session:
        return await moving.confirm(session, desk.settings, visitor, token, signed_in=signed_in)


def _lasting(desk: SignInDesk, email: str) -> str:
    """The address as it is kept. Raises InvalidRequest or DisposableAddress."""
    address = users.normal_address(email)
    if is_disposable(desk.settings, address):
        raise DisposableAddress.at("/email", DisposableAddress.title())
    return address


async def _try_own(desk: SignInDesk, visitor: Visitor, user: User, password: str | None, pointer: str) -> None:
    if not password:
        raise WrongPassword.at(pointer, "Your present password is needed here.")
    if not (await desk.try_password(user.email, user, password, visitor)).is_right:
        raise WrongPassword.at(pointer, WrongPassword.title())


async def _first_right(desk: SignInDesk, password: str, hashes: tuple[str, ...]) -> str | None:
    for stored in hashes:
        if (await desk.hashers.verify(password, stored)).is_right:
            return stored
    return None
