"""The messages that wake workers about tasks."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.core.queue import Job

WORK = "backlot:work"
"""The channel on which workers hear that there may be something to do, or a free slot, in the lanes that are named."""


def ring(session: AsyncSession, lane: str) -> None:
    """Tell the lane's workers once the session's transaction is committed."""
    queue.publish(session, WORK, lane)


def cancel_at_provider(session: AsyncSession, attempt_id: UUID) -> None:
    """Tell the provider to stop; its answer changes nothing for the customer."""
    queue.enqueue(
        session, Job(queue.GENERATION, "cancel_at_provider", (str(attempt_id),), f"attempt:{attempt_id}:cancel")
    )
