"""Whether who was recognised a moment ago still is who they were, now that nobody else changes their account."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import (
    AccountSuspended,
    DeletionScheduled,
    MissingScope,
    SessionRevoked,
    WorkspaceNotFound,
)
from app.accounts.models import Scope, User, UserStatus
from app.accounts.permissions import ROLE_SCOPES
from app.accounts.schemas import CallerInfo
from app.accounts.users import queries


async def lock_own(session: AsyncSession, caller: CallerInfo) -> User:
    """The caller's account, locked. Its owner may just have thrown them out, by a reset: whatever lets somebody in for
    longer (a key, an identity) is made after this.

    Raises SessionRevoked, AccountSuspended or DeletionScheduled.
    """
    user = await queries.lock_user(session, caller.user_id)
    if caller.session_id is not None:
        is_good = await queries.is_session_open(session, caller.session_id)
    elif caller.key_id is not None:
        is_good = await queries.is_key_good(session, caller.key_id)
    else:
        is_good = await queries.has_identity(session, caller.user_id)
    if not is_good:
        raise SessionRevoked
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended
    if user.erase_at is not None:
        raise DeletionScheduled
    return user


async def lock_own_seat(session: AsyncSession, caller: CallerInfo, scope: Scope) -> User:
    """The caller's account, and their seat in the workspace: it has just been taken from them, or their role changed.

    A key whose maker had no seat any more has none to lose. Raises MissingScope, WorkspaceNotFound, and what `lock_own`
    raises.
    """
    user = await lock_own(session, caller)
    if caller.role is not None:
        role = await queries.lock_role(session, caller.workspace_id, caller.user_id)
        if role is None:
            raise WorkspaceNotFound
        if scope not in ROLE_SCOPES[role]:
            raise MissingScope(
                f"Your role in this workspace ({role}) lacks the scope {scope.value!r}.", required_scope=scope.value
            )
    return user
