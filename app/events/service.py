"""Writing to the event log."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.core.ids import new_id
from app.events.models import Event

CHANNEL = "backlot:events"


def record(
    session: AsyncSession,
    type_: str,
    *,
    workspace_id: UUID,
    mode: str,
    task_id: UUID | None = None,
    batch_id: UUID | None = None,
    data: dict[str, Any],
    event_id: UUID | None = None,
) -> None:
    """Note what happened, in the transaction in which it happens; those who wait hear of it after the commit.

    Of a task's, the caller holds the lock of its row, which is what keeps its events in order.
    """
    session.add(
        Event(
            id=event_id or new_id(),
            workspace_id=workspace_id,
            mode=mode,
            type=type_,
            task_id=task_id,
            batch_id=batch_id,
            data=data,
        )
    )
    for subject in (task_id, batch_id):
        if subject is not None:
            queue.publish(session, CHANNEL, str(subject))
