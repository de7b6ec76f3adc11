"""SQL of the event log."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.events.models import Event


async def list_of_task(
    session: AsyncSession, task_id: UUID, *, workspace_id: UUID, after: int, limit: int
) -> Sequence[Event]:
    query = (
        select(Event)
        .where(Event.task_id == task_id, Event.workspace_id == workspace_id, Event.position > after)
        .order_by(Event.position)
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def find_position(session: AsyncSession, event_id: UUID, *, task_id: UUID) -> int | None:
    query = select(Event.position).where(Event.id == event_id, Event.task_id == task_id)
    return (await session.execute(query)).scalar_one_or_none()
