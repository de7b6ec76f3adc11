"""Writing to the event log and reading from it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.events import queries
from app.events.models import Event

CHANNEL = "backlot:events"
BATCH = 100


def record(
    session: AsyncSession, type_: str, *, workspace_id: UUID, mode: str, task_id: UUID, data: dict[str, Any]
) -> None:
    """Note what happened, in the transaction in which it happens; those who wait hear of it after the commit.

    The caller holds the lock of the task's row, which is what keeps the task's events in order.
    """
    session.add(Event(workspace_id=workspace_id, mode=mode, type=type_, task_id=task_id, data=data))
    queue.publish(session, CHANNEL, str(task_id))


async def list_of_task(session: AsyncSession, task_id: UUID, *, workspace_id: UUID, after: int) -> Sequence[Event]:
    """The task's next events, oldest first."""
    return await queries.list_of_task(session, task_id, workspace_id=workspace_id, after=after, limit=BATCH)


async def find_position(session: AsyncSession, event_id: UUID, *, task_id: UUID) -> int | None:
    return await queries.find_position(session, event_id, task_id=task_id)
