"""SQL of what users are told of themselves."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Member, Workspace

SeatRow = Row[UUID, str, str, str]


async def list_seats(session: AsyncSession, user_id: UUID, limit: int) -> Sequence[SeatRow]:
    """The workspaces the user is in and their role in each, the personal one first, then the newest."""
    query = select(Workspace.id, Workspace.name, Workspace.kind, Member.role).join(
        Member, Member.workspace_id == Workspace.id
    )
    query = query.where(Member.user_id == user_id, Workspace.deleted_at.is_(None))
    query = query.order_by(Workspace.kind, Workspace.created_at.desc(), Workspace.id.desc()).limit(limit)
    return (await session.execute(query)).all()
