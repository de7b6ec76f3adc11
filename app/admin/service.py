"""What administrators do with users; and who is one. The command line does the same as the operator."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.errors import AccountSuspended, AdminRequired, DeletionScheduled
from app.accounts.models import Role, User, UserStatus
from app.accounts.schemas import CallerInfo
from app.accounts.sessions import service as sessions
from app.accounts.users import queries as user_queries
from app.accounts.users import service as users
from app.admin import queries
from app.admin.errors import AccountErased, LastAdmin, OwnAccount, UserNotFound
from app.admin.queries import UserFilters
from app.admin.schemas import AdminMembershipRead, AdminUserDetail, AdminUserRead
from app.core import clock
from app.core.ids import encode
from app.core.paging import PageRequest, cut
from app.core.visitor import Visitor
from app.privacy.erasure import service as erasure

ERASED_AFTER = timedelta(minutes=1)
"""By then no process admits anybody any more by what it remembers."""


def acting(caller: CallerInfo, visitor: Visitor) -> Actor:
    return Actor("admin", caller.user_id, visitor=visitor)


# --- seen


async def list_users(session: AsyncSession, page: PageRequest, filters: UserFilters) -> tuple[list[User], str | None]:
    return cut(await queries.list_users(session, page, filters), page)


async def get_user(session: AsyncSession, user_id: UUID) -> User:
    """Raises UserNotFound."""
    user = await queries.find_user(session, user_id)
    if user is None:
        raise UserNotFound(f"There is no user {encode('user', user_id)}.")
    return user


async def read_user(session: AsyncSession, user_id: UUID) -> AdminUserDetail:
    """Raises UserNotFound."""
    user = await get_user(session, user_id)
    counted = await queries.count_sessions(session, user_id)
    return AdminUserDetail(
        **AdminUserRead.model_validate(user).model_dump(),
        has_password=user.password_hash is not None,
        identities=list(await queries.list_issuers(session, user_id)),
        open_sessions=counted.open_sessions,
        last_used_at=counted.last_used_at,
        workspaces=[
            AdminMembershipRead.model_validate({"workspace_id": row[0], "name": row[1], "kind": row[2], "role": row[3]})
            for row in await queries.list_memberships(session, user_id)
        ],
    )


# --- changed


async def suspend(session: AsyncSession, user_id: UUID, actor: Actor, *, reason: str) -> User:
    """Nothing of the user's opens anything any more, within seconds everywhere. Again does no harm.

    Raises UserNotFound, OwnAccount, LastAdmin, AccountErased or AdminRequired.
    """
    user = await _locked(session, user_id, actor)
    if user.status == UserStatus.SUSPENDED:
        return user
    user.status = UserStatus.SUSPENDED
    await sessions.end_all(session, user_id, reason="suspended")
    await _note(session, actor, "user.suspended", user, reason=reason)
    return user


async def reinstate(session: AsyncSession, user_id: UUID, actor: Actor) -> User:
    """The user may sign in again, and their keys work again. Raises what `suspend` raises."""
    user = await _locked(session, user_id, actor)
    if user.status == UserStatus.ACTIVE:
        return user
    user.status = UserStatus.ACTIVE
    changes.tell(session, user_id)
    await _note(session, actor, "user.reinstated", user)
    return user


async def sign_out(session: AsyncSession, user_id: UUID, actor: Actor) -> User:
    """End all sessions of the user; their keys go on. Raises UserNotFound."""
    user = await get_user(session, user_id)
    await sessions.end_all(session, user_id, reason="signed_out_by_admin")
    await _note(session, actor, "user.signed_out", user)
    return user


async def delete(session: AsyncSession, user_id: UUID, actor: Actor, *, confirm: str) -> User:
    """Have the account erased, without a grace. `confirm` is its address.

    Raises what `suspend` raises, or InvalidRequest.
    """
    user = await _locked(session, user_id, actor)
    await erasure.schedule(session, user_id, actor, grace=ERASED_AFTER, confirm=confirm)
    user.status = UserStatus.SUSPENDED  # so that nobody signs in to take it back
    return user


async def _locked(session: AsyncSession, user_id: UUID, actor: Actor) -> User:
    """The user, with everybody who is an admin now: of two who suspend each other one comes too late."""
    if actor.user_id == user_id:
        raise OwnAccount
    admins = {admin.id for admin in await queries.lock_admins(session)}
    if actor.kind == "admin" and actor.user_id not in admins:
        raise AdminRequired
    if await queries.find_user(session, user_id) is None:
        raise UserNotFound(f"There is no user {encode('user', user_id)}.")
    user = await user_queries.lock_user(session, user_id)
    if user.status == UserStatus.ERASED:
        raise AccountErased
    if admins == {user_id}:
        raise LastAdmin
    return user


async def _note(session: AsyncSession, actor: Actor, action: str, user: User, **data: str) -> None:
    """In the chain of the installation; and where the user can read it, without from where it was done."""
    workspace = await user_queries.get_personal_workspace(session, user.id)
    for by, workspace_id in ((actor.from_nowhere, workspace.id), (actor, None)):
        audit.record(session, by, action, workspace_id=workspace_id, target=("user", user.id), data=data)


# --- who is an admin: the operator says


async def add_admin(session: AsyncSession, email: str) -> tuple[User, bool]:
    """Make the user with this address an admin, and whether they can sign in with a password.

    Made if absent; they set their first password by `forgot-password`. Of an account nobody showed to be of whoever
    reads the mailbox, what was set up is dropped. Raises InvalidRequest, AccountSuspended or DeletionScheduled.
    """
    user, _ = await users.vouch(session, email)
    if user.erase_at is not None:
        raise DeletionScheduled("The account is to be deleted: its owner has to take that back first.")
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended("The account is suspended: `backlot users reinstate` it first.")
    if user.settled_at is None:
        await users.drop_before(session, user, reason="vouched_for")
        user.settled_at = clock.now()
    if user.role != Role.ADMIN:
        user.role = Role.ADMIN
        changes.tell(session, user.id)
        await _note(session, audit.OPERATOR, "admin.added", user)
    return user, user.password_hash is not None


async def remove_admin(session: AsyncSession, email: str) -> bool:
    """Make the admin a user like others. False when they were none. Raises UserNotFound."""
    user = await user_queries.lock_user_by_email(session, email)
    if user is None:
        raise UserNotFound(f"There is no user with the address {email}.")
    if user.role != Role.ADMIN:
        return False
    user.role = Role.USER
    changes.tell(session, user.id)
    await _note(session, audit.OPERATOR, "admin.removed", user)
    return True
