"""SQL of workspaces, members and invitations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Member, User, Workspace, WorkspaceKind, WorkspaceRole
from app.accounts.workspaces.models import Invitation
from app.core.paging import PageRequest

SeatRow = Row[UUID, str, str, str, datetime, str]
MemberRow = Row[UUID, str, datetime, str, str | None]
_SEAT = (
    Workspace.id,
    Workspace.name,
    Workspace.kind,
    Workspace.plan,
    Workspace.created_at,
    Member.role,
)
_MEMBER = (Member.user_id.label("id"), Member.role, Member.created_at, User.email, User.name)
_OPEN = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


async def find_workspace(session: AsyncSession, workspace_id: UUID, *, lock: bool = False) -> Workspace | None:
    """Unless it was deleted. Locked, no other change to it, its members or invitations happens meanwhile."""
    query = select(Workspace).where(Workspace.id == workspace_id, Workspace.deleted_at.is_(None))
    if lock:  # and rows that refer to it can still be written
        query = query.with_for_update(key_share=True)
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def find_member(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Member | None:
    return await session.get(Member, (workspace_id, user_id), populate_existing=True)


async def find_seat(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> SeatRow | None:
    """A workspace, and the user's role in it; None as the role of who is not."""
    query = select(*_SEAT).join(
        Member, (Member.workspace_id == Workspace.id) & (Member.user_id == user_id), isouter=True
    )
    query = query.where(Workspace.id == workspace_id, Workspace.deleted_at.is_(None))
    return (await session.execute(query)).one_or_none()


async def list_workspaces(session: AsyncSession, page: PageRequest, *, user_id: UUID) -> Sequence[SeatRow]:
    """Those the user is in, with their role in each."""
    query = _seats().where(Member.user_id == user_id)
    if page.after:
        query = query.where(tuple_(Workspace.created_at, Workspace.id) < (page.after.created_at, page.after.id))
    return (await session.execute(query.limit(page.limit + 1))).all()


def _seats() -> Select[UUID, str, str, str, datetime, str]:
    query = select(*_SEAT).join(Member, Member.workspace_id == Workspace.id).where(Workspace.deleted_at.is_(None))
    return query.order_by(Workspace.created_at.desc(), Workspace.id.desc())


async def count_owned_teams(session: AsyncSession, user_id: UUID) -> int:
    query = select(func.count()).select_from(Member).join(Workspace, Workspace.id == Member.workspace_id)
    query = query.where(
        Member.user_id == user_id,
        Member.role == WorkspaceRole.OWNER,
        Workspace.kind == WorkspaceKind.TEAM,
        Workspace.deleted_at.is_(None),
    )
    return int((await session.execute(query)).scalar_one())


async def has_open_work(session: AsyncSession, workspace_id: UUID) -> bool:
    """Whether a task waits or runs. Nothing can be ordered there until the end of the transaction."""
    query = text("select workspace_has_open_work(:workspace_id)")
    return bool((await session.execute(query, {"workspace_id": workspace_id})).scalar_one())


# --- members


async def list_members(session: AsyncSession, page: PageRequest, *, workspace_id: UUID) -> Sequence[MemberRow]:
    query = select(*_MEMBER).join(User, User.id == Member.user_id).where(Member.workspace_id == workspace_id)
    if page.after:
        query = query.where(tuple_(Member.created_at, Member.user_id) < (page.after.created_at, page.after.id))
    query = query.order_by(Member.created_at.desc(), Member.user_id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).all()


async def find_shown_member(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> MemberRow | None:
    query = select(*_MEMBER).join(User, User.id == Member.user_id)
    query = query.where(Member.workspace_id == workspace_id, Member.user_id == user_id)
    return (await session.execute(query)).one_or_none()


async def has_other_owner(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> bool:
    """Whether somebody else owns it whose account is not to be deleted."""
    query = select(Member.user_id).join(User, User.id == Member.user_id)
    query = query.where(
        Member.workspace_id == workspace_id,
        Member.role == WorkspaceRole.OWNER,
        Member.user_id != user_id,
        User.erase_at.is_(None),
    )
    return (await session.execute(query.limit(1))).first() is not None


async def remove_member(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> None:
    await session.execute(delete(Member).where(Member.workspace_id == workspace_id, Member.user_id == user_id))


# --- invitations


async def list_open_invitations(
    session: AsyncSession, page: PageRequest, *, workspace_id: UUID
) -> Sequence[Invitation]:
    query = select(Invitation).where(Invitation.workspace_id == workspace_id, *_OPEN)
    if page.after:
        query = query.where(tuple_(Invitation.created_at, Invitation.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Invitation.created_at.desc(), Invitation.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def find_open_invitation(
    session: AsyncSession, *, workspace_id: UUID, invitation_id: UUID | None = None, email: str | None = None
) -> Invitation | None:
    """By its id, or by its address. It may have expired."""
    query = select(Invitation).where(Invitation.workspace_id == workspace_id, *_OPEN)
    if invitation_id is not None:
        query = query.where(Invitation.id == invitation_id)
    if email is not None:
        query = query.where(func.lower(Invitation.email) == func.lower(email))
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def find_invitation(session: AsyncSession, invitation_id: UUID) -> Invitation | None:
    return await session.get(Invitation, invitation_id, populate_existing=True)


async def revoke_invitations_by(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, roles: Sequence[str], at: datetime
) -> None:
    """Those to these roles that the user has sent and that are open."""
    statement = update(Invitation).where(
        Invitation.workspace_id == workspace_id, Invitation.invited_by == user_id, Invitation.role.in_(roles), *_OPEN
    )
    await session.execute(statement.values(revoked_at=at))


async def find_member_with_address(session: AsyncSession, workspace_id: UUID, email: str) -> UUID | None:
    query = select(Member.user_id).join(User, User.id == Member.user_id)
    query = query.where(Member.workspace_id == workspace_id, func.lower(User.email) == func.lower(email))
    return (await session.execute(query)).scalar_one_or_none()
