"""Setting a new password: by a link in a mail, or by knowing the old one."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.errors import AccountSuspended, SessionRevoked
from app.accounts.models import User, UserStatus
from app.accounts.proofs import service as proofs
from app.accounts.proofs.models import Purpose
from app.accounts.sessions import devices
from app.accounts.sessions import service as sessions
from app.accounts.signing_in.errors import WrongPassword
from app.accounts.users import queries as users_queries
from app.accounts.users import service as users
from app.accounts.users import verifying
from app.core import clock
from app.core.settings import Settings
from app.core.visitor import Visitor
from app.mail import service as mail


async def send_link(session: AsyncSession, settings: Settings, visitor: Visitor, address: str) -> None:
    """To the account's own address, where there is one; else nothing. It is the way back for every account, also for
    one without a password, or whose address was never verified."""
    user = await users_queries.lock_user_by_email(session, address)
    if user is None:
        return
    life = timedelta(seconds=settings.auth.reset_seconds)
    proof = await proofs.issue(session, Purpose.RESET_PASSWORD, user, life=life)
    workspace = await users_queries.get_personal_workspace(session, user.id)
    mail.post(
        session,
        "reset_password",
        to=user.email,
        locale=user.locale,
        workspace_id=workspace.id,
        token_id=proof.id,
        expires_at=proof.expires_at,
    )
    actor = Actor("anonymous", visitor=visitor)
    audit.record(session, actor, "password.reset_asked", workspace_id=workspace.id, target=("user", user.id))


async def owner_of(session: AsyncSession, settings: Settings, token: str) -> User:
    """Whose password the link sets. Raises InvalidLink."""
    proof = await proofs.look(session, settings, token, Purpose.RESET_PASSWORD)
    return await users_queries.lock_user(session, proof.user_id)


async def reset(session: AsyncSession, settings: Settings, visitor: Visitor, token: str, password_hash: str) -> None:
    """Whoever opened the link reads the mailbox and knows the password: the account is theirs alone.

    Every session ends and every other link dies. Where it was never shown before who that is, identities elsewhere and
    API keys go too: somebody else may have put them there. Raises InvalidLink or MailboxFull.
    """
    await proofs.lock_mailbox(session, settings, token)
    proof = await proofs.use(session, settings, token, Purpose.RESET_PASSWORD)
    user = await users_queries.lock_user(session, proof.user_id)
    if user.settled_at is None:
        await users.drop_before(session, user, reason="password_reset")
    await verifying.verify(session, settings, user)
    user.settled_at = clock.now()
    await _set(session, user, password_hash, visitor, action="password.reset")


async def change(session: AsyncSession, seen: User, password_hash: str, visitor: Visitor, *, keep: UUID | None) -> None:
    """All sessions but `keep` end, and links asked for until now die.

    Raises WrongPassword, when the password was changed since the user was `seen`; SessionRevoked or AccountSuspended,
    when they were shut out meanwhile.
    """
    user = await users_queries.lock_user(session, seen.id)
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended
    if keep is not None and not await users_queries.is_session_open(session, keep):
        raise SessionRevoked
    if user.password_changed_at != seen.password_changed_at:
        raise WrongPassword.at("/current_password", "The password was changed meanwhile.")
    await _set(session, user, password_hash, visitor, action="password.changed", keep=keep)


async def _set(
    session: AsyncSession, user: User, password_hash: str, visitor: Visitor, *, action: str, keep: UUID | None = None
) -> None:
    user.password_hash, user.password_changed_at = password_hash, clock.now()
    await proofs.cancel_all(session, user.id)
    await session.flush()
    await sessions.end_all(session, user.id, reason="password_changed", keep=keep)
    changes.tell(session, user.id)
    workspace = await users_queries.get_personal_workspace(session, user.id)
    mail.post(
        session,
        "password_changed",
        to=user.email,
        locale=user.locale,
        workspace_id=workspace.id,
        facts={"ip": visitor.ip, "user_agent": devices.describe(visitor.user_agent)},
    )
    actor = Actor("user", user.id, visitor=visitor)
    audit.record(session, actor, action, workspace_id=workspace.id, target=("user", user.id))
