"""A fresh proof that it is the user: by the password, or of those who have none by a link in a mail.

Trying a password takes long and stands between short transactions, which are opened here.
"""

from datetime import datetime, timedelta

from app.accounts.models import User
from app.accounts.proofs import service as proofs
from app.accounts.proofs.errors import InvalidLink
from app.accounts.proofs.models import Purpose
from app.accounts.schemas import CallerInfo
from app.accounts.sessions import devices, service
from app.accounts.signing_in import limits
from app.accounts.signing_in.desk import SignInDesk
from app.accounts.signing_in.errors import WrongPassword
from app.accounts.users import queries as users
from app.core.problems import InvalidRequest
from app.core.visitor import Visitor
from app.mail import service as mail

LINK_LIFE = timedelta(minutes=15)


async def by_password(desk: SignInDesk, visitor: Visitor, caller: CallerInfo, password: str) -> datetime:
    """Raises WrongPassword, TooManyAttempts, TooManySignIns or SessionRevoked."""
    assert caller.session_id is not None
    user = await desk.get_user(caller.user_id)
    if user.password_hash is None:
        raise InvalidRequest.at("/password", "Your account has no password: send {} for a link by mail.")
    if not (await desk.try_password(user.email, user, password, visitor)).is_right:
        raise WrongPassword.at("/password", WrongPassword.title())
    async with desk.database.transaction() as session:
        return await service.confirm(session, caller.session_id, user.id, visitor)


async def by_link(desk: SignInDesk, visitor: Visitor, token: str) -> datetime:
    """Confirms the session the link was asked for by, wherever it is opened. Raises InvalidLink or SessionRevoked."""
    await limits.open_link(desk.database, desk.settings, visitor)
    async with desk.database.transaction() as session:
        proof = await proofs.use(session, desk.settings, token, Purpose.CONFIRM)
        if proof.session_id is None:
            raise InvalidLink
        return await service.confirm(session, proof.session_id, proof.user_id, visitor)


async def send_link(desk: SignInDesk, visitor: Visitor, caller: CallerInfo) -> None:
    """Raises InvalidRequest of those who have a password, or TooManyAttempts."""
    user: User = await desk.get_user(caller.user_id)
    if user.password_hash is not None:
        raise InvalidRequest.at("/password", "Your password is needed here.")
    await limits.send_link(desk.database, desk.settings, visitor, user.email, Purpose.CONFIRM)
    async with desk.database.transaction() as session:
        proof = await proofs.issue(session, Purpose.CONFIRM, user, life=LINK_LIFE, session_id=caller.session_id)
        workspace = await users.get_personal_workspace(session, user.id)
        mail.post(
            session,
            "confirm",
            to=user.email,
            locale=user.locale,
            workspace_id=workspace.id,
            facts={"ip": visitor.ip, "user_agent": devices.describe(visitor.user_agent)},
            token_id=proof.id,
            expires_at=proof.expires_at,
        )
