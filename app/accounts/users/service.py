"""Rules of users: who is one, and what each has from the start."""

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Role, User, Workspace
from app.accounts.users import queries
from app.core import clock
from app.core.problems import InvalidRequest


def normal_address(email: str, *, pointer: str = "/email") -> str:
    """The address as it is kept. Raises InvalidRequest naming `pointer`."""
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as fault:
        raise InvalidRequest.at(pointer, str(fault)) from fault


async def add_user(session: AsyncSession, address: str) -> tuple[User, bool]:
    """The user with this address, locked, and whether they were made just now, with a personal workspace."""
    is_new = await queries.add_user_if_absent(session, address)
    user = await queries.lock_user_by_email(session, address)
    if user is None:
        raise LookupError("the user vanished while being made")
    await queries.add_personal_workspace_if_absent(session, user)
    return user, is_new


async def vouch(session: AsyncSession, email: str, *, is_admin: bool = False) -> tuple[User, Workspace]:
    """The user with this address and their personal workspace, made if absent. The operator vouches for the address.

    Raises InvalidRequest.
    """
    user, is_new = await add_user(session, normal_address(email))
    if is_new:
        user.email_verified_at = clock.now()
    if is_admin:
        user.role = Role.ADMIN
    return user, await queries.get_personal_workspace(session, user.id)
