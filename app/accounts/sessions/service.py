"""Rules of sessions: how they begin, whom they let in, and how they end."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.errors import AccountSuspended, SessionRevoked, WorkspaceNotFound
from app.accounts.models import Role, User, UserStatus
from app.accounts.permissions import ROLE_SCOPES
from app.accounts.schemas import CallerInfo
from app.accounts.sessions import queries, tokens
from app.accounts.sessions.models import Session
from app.accounts.users import queries as users
from app.core import clock
from app.core.settings import Settings
from app.core.visitor import Visitor

Kind = Literal["bearer", "cookie"]


async def start(
    session: AsyncSession, settings: Settings, user: User, visitor: Visitor, *, kind: Kind, is_confirmed: bool
) -> Session:
    """A session of that user, who has shown who they are. Raises AccountSuspended or SessionRevoked."""
    standing = await queries.lock_standing(session, user.id)
    if standing.status != UserStatus.ACTIVE:
        raise AccountSuspended
    if standing.password_changed_at != user.password_changed_at:
        raise SessionRevoked("The password was changed while you were signing in. Sign in again.")
    now = clock.now()
    made = Session(
        user_id=user.id,
        kind=kind,
        nonce=tokens.new_nonce(),
        generation=0,
        rotated_at=now,
        user_agent=visitor.user_agent or None,
        ip=visitor.ip or None,
        created_at=now,
        last_used_at=now,
        confirmed_at=now if is_confirmed else None,
        expires_at=now + timedelta(seconds=settings.auth.session_seconds),
    )
    session.add(made)
    await session.flush()
    workspace = await users.get_personal_workspace(session, user.id)
    audit.record(
        session,
        Actor("user", user.id, visitor=visitor),
        "session.started",
        workspace_id=workspace.id,
        target=("session", made.id),
        data={"kind": kind},
    )
    return made


async def end_all(session: AsyncSession, user_id: UUID, *, reason: str, keep: UUID | None = None) -> None:
    """End the user's sessions, all but `keep`; every process hears of it after the commit.

    Whoever is signing in with what was good until now is kept from it too: the user's row is locked.
    """
    await queries.end_sessions(session, user_id, reason=reason, keep=keep)
    changes.tell(session, user_id)


def admit(row: Mapping[str, Any] | None) -> CallerInfo:
    """Who is signed in, by the session's row with the user's and the workspace's.

    Raises SessionRevoked, AccountSuspended or WorkspaceNotFound.
    """
    if row is None or row["revoked_at"] is not None or row["expires_at"] <= clock.now():
        raise SessionRevoked
    return caller_of(row, session_id=row["id"], confirmed_at=row["confirmed_at"])


def caller_of(row: Mapping[str, Any], **values: Any) -> CallerInfo:
    """The user of a row, in its workspace. Raises AccountSuspended or WorkspaceNotFound."""
    if row["user_status"] != UserStatus.ACTIVE:
        raise AccountSuspended
    if row["member_role"] is None:
        raise WorkspaceNotFound
    return CallerInfo(
        workspace_id=row["workspace_id"],
        user_id=row["user_id"],
        mode="live",
        scopes=frozenset(ROLE_SCOPES[row["member_role"]]),
        role=row["member_role"],
        is_admin=row["user_role"] == Role.ADMIN,
        is_verified=row["is_verified"],
        **values,
    )
