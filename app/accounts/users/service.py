"""Rules of users: who is one, and what each has from the start."""

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit.service import OPERATOR
from app.accounts.keys import ending
from app.accounts.models import User, Workspace
from app.accounts.proofs import service as proofs
from app.accounts.sessions import service as sessions
from app.accounts.users import queries
from app.accounts.users.mailboxes import canonical
from app.core import clock
from app.core.problems import InvalidRequest


def normal_address(email: str, *, pointer: str = "/email") -> str:
    """The address as it is kept. Raises InvalidRequest naming `pointer`."""
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as fault:
        raise InvalidRequest.at(pointer, str(fault)) from fault


async def add_user(
    session: AsyncSession, address: str, *, name: str | None = None, locale: str = "en"
) -> tuple[User, bool]:
    """The user with this address, locked, and whether they were made just now, with a personal workspace.

    One who was there already keeps name and language.
    """
    is_new = await queries.add_user_if_absent(session, address, canonical(address), name=name, locale=locale)
    user = await queries.lock_user_by_email(session, address)
    if user is None:
        raise LookupError("the user vanished while being made")
    await queries.add_personal_workspace_if_absent(session, user)
    return user, is_new


async def drop_before(session: AsyncSession, user: User, *, reason: str) -> None:
    """Drop whatever was set up before it was shown who reads the mailbox: password, sessions, links in mails,
    identities elsewhere, API keys. The user is locked; the caller sets what holds from now on.

    Call it wherever somebody comes who certainly reads the mailbox, and the account is not settled: a reset, a
    provider that vouches for the address, the operator. Every process hears of it after the commit.
    """
    user.password_hash = None
    user.password_changed_at = clock.now()  # whoever is signing in with the old one is refused
    user.settled_at = None
    await proofs.cancel_all(session, user.id)
    await queries.drop_identities(session, user.id)
    await ending.revoke_made_by(session, user.id)
    await sessions.end_all(session, user.id, reason=reason)


async def vouch(session: AsyncSession, email: str) -> tuple[User, Workspace]:
    """The user with this address and their personal workspace, made if absent. The operator vouches for the address:
    what somebody set up who never showed that it is theirs is dropped.

    Raises InvalidRequest.
    """
    user, is_new = await add_user(session, normal_address(email))
    workspace = await queries.get_personal_workspace(session, user.id)
    if user.email_verified_at is None:
        if not is_new:
            await drop_before(session, user, reason="vouched_for")
        user.email_verified_at = user.settled_at = clock.now()
        audit.record(session, OPERATOR, "user.vouched_for", workspace_id=workspace.id, target=("user", user.id))
    return user, workspace
