"""Rules of sessions: how they begin, whom they let in, and how they end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
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
from app.accounts.sessions.errors import InvalidRefreshToken, SessionNotFound
from app.accounts.sessions.models import Session
from app.accounts.users import queries as users
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.paging import PageRequest, cut
from app.core.settings import Settings
from app.core.visitor import Visitor

Kind = Literal["bearer", "cookie"]
REPEAT = timedelta(seconds=30)
"""How long the last refresh may be asked for again."""
KEPT = timedelta(days=30)
"""How long a session is kept past its end, for those who look into what happened."""
AT_ONCE = 5_000


async def start(
    session: AsyncSession, settings: Settings, user: User, visitor: Visitor, *, kind: Kind, is_confirmed: bool
) -> Session:
    """A session of that user, who has shown who they are. Raises AccountSuspended or SessionRevoked."""
    made = _new(settings, user.id, visitor, kind, is_confirmed=is_confirmed)
    await session.flush()
    outcome, workspace_id = await queries.start(session, made, user.password_changed_at)
    _require_started(outcome)
    audit.add(session, _started(made, visitor, workspace_id))
    return made


async def start_alone(
    database: Database,
    settings: Settings,
    user_id: UUID,
    visitor: Visitor,
    *,
    password_changed_at: datetime | None,
    kind: Kind,
) -> tuple[Session, Mapping[str, Any]]:
    """A session of who gave the password that they have had since then, and the user: `start` as one statement."""
    made = _new(settings, user_id, visitor, kind, is_confirmed=True)
    # The database puts in which workspace it is.
    row = await queries.start_alone(database, made, password_changed_at, _started(made, visitor, None))
    _require_started(row["outcome"])
    return made, row


def _require_started(outcome: str) -> None:
    if outcome == "refused":
        raise AccountSuspended
    if outcome == "changed":
        raise SessionRevoked("The password was changed while you were signing in. Sign in again.")


def _started(made: Session, visitor: Visitor, workspace_id: UUID | None) -> audit.Entry:
    return audit.entry(
        Actor("user", made.user_id, visitor=visitor),
        "session.started",
        workspace_id=workspace_id,
        target=("session", made.id),
        data={"kind": made.kind},
    )


def _new(settings: Settings, user_id: UUID, visitor: Visitor, kind: Kind, *, is_confirmed: bool) -> Session:
    now = clock.now()
    return Session(
        id=new_id(),
        user_id=user_id,
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


async def refresh(
    session: AsyncSession, settings: Settings, text: str, visitor: Visitor
) -> tuple[Session, User] | None:
    """The session of a refresh token, at the generation whose tokens are to be handed out now, and its user.

    The newest token is changed for the next. The one before it gives that same next one again for REPEAT: to the other
    tab that refreshed at the same moment, and to whoever never got the answer. Any older one was copied by somebody:
    then the session has been ended, which the caller must commit before they say so, and the answer is None.
    Raises InvalidRefreshToken, SessionRevoked or AccountSuspended.
    """
    presented = tokens.read_refresh_token(text)
    of = await queries.lock_session(session, presented.session_id) if presented else None
    if presented is None or of is None or not tokens.is_refresh_token(settings, presented, of.nonce):
        raise InvalidRefreshToken
    now = clock.now()
    if of.revoked_at is not None or of.expires_at <= now:
        raise SessionRevoked
    user = await users.get_user(session, of.user_id)
    if user.status != UserStatus.ACTIVE:
        raise AccountSuspended
    if presented.generation >= of.generation:  # greater only where the database was put back to an earlier state
        of.generation, of.rotated_at, of.last_used_at = presented.generation + 1, now, now
        return of, user
    if presented.generation == of.generation - 1 and now - of.rotated_at <= REPEAT:
        return of, user
    await _end(session, of, Actor("anonymous", of.user_id, visitor=visitor), "refresh_token_reused")
    return None


async def confirm(session: AsyncSession, session_id: UUID, user_id: UUID, visitor: Visitor) -> datetime:
    """The user has shown again who they are; when that was. Raises SessionRevoked."""
    of = await queries.lock_own_session(session, session_id, user_id=user_id)
    if of is None:
        raise SessionRevoked
    of.confirmed_at = clock.now()
    workspace = await users.get_personal_workspace(session, user_id)
    audit.record(
        session,
        Actor("user", user_id, visitor=visitor),
        "session.confirmed",
        workspace_id=workspace.id,
        target=("session", session_id),
    )
    changes.tell(session, session_id)
    return of.confirmed_at


async def get_session(session: AsyncSession, caller: CallerInfo, session_id: UUID) -> Session:
    """Raises SessionNotFound."""
    found = await queries.find_own_session(session, session_id, user_id=caller.user_id)
    if found is None:
        raise SessionNotFound
    return found


async def list_sessions(session: AsyncSession, user_id: UUID, page: PageRequest) -> tuple[list[Session], str | None]:
    """Those of the user that are open, newest first."""
    return cut(await queries.list_sessions(session, page, user_id=user_id), page)


async def end(session: AsyncSession, caller: CallerInfo, session_id: UUID, visitor: Visitor) -> None:
    """End one of the caller's sessions. Raises SessionNotFound."""
    of = await queries.lock_own_session(session, session_id, user_id=caller.user_id)
    if of is None:
        raise SessionNotFound
    await _end(session, of, Actor.of(caller, visitor), "signed_out")


async def _end(session: AsyncSession, of: Session, actor: Actor, reason: str) -> None:
    of.revoked_at, of.revoked_reason = clock.now(), reason
    workspace = await users.get_personal_workspace(session, of.user_id)
    audit.record(
        session,
        actor,
        "session.ended",
        workspace_id=workspace.id,
        target=("session", of.id),
        data={"reason": reason},
    )
    changes.tell(session, of.id)


async def end_others(session: AsyncSession, caller: CallerInfo, visitor: Visitor, *, keep: UUID | None) -> None:
    """End all sessions of the caller but that one."""
    await end_all(session, caller.user_id, reason="signed_out_everywhere", keep=keep)
    workspace = await users.get_personal_workspace(session, caller.user_id)
    audit.record(
        session,
        Actor.of(caller, visitor),
        "sessions.ended",
        workspace_id=workspace.id,
        target=("user", caller.user_id),
        data={"kept": keep is not None},
    )


async def forget_old(database: Database) -> None:
    """Delete what ended a month ago."""
    deleted = AT_ONCE
    while deleted == AT_ONCE:
        async with database.transaction() as session:
            deleted = await queries.delete_ended(session, clock.now() - KEPT, AT_ONCE)


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
        is_leaving=row["is_leaving"],
        **values,
    )
