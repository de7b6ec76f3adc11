"""Writing to the event log."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.events.models import Event

CHANNEL = "backlot:events"


def record(
    session: AsyncSession,
    type_: str,
    *,
    workspace_id: UUID,
    mode: str,
    task_id: UUID,
    batch_id: UUID | None,
    data: dict[str, Any],
) -> None:
    """Note what happened, in the transaction in which it happens; those who wait hear of it after the commit.

    The caller holds the lock of the task's row, which is what keeps the task's events in order.
    """
    session.add(Event(workspace_id=workspace_id, mode=mode, type=type_, task_id=task_id, batch_id=batch_id, data=data))
    queue.publish(session, CHANNEL, str(task_id))
    if batch_id is not None:
        queue.publish(session, CHANNEL, str(batch_id))
