"""The messages that wake workers about tasks."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.core.queue import Job, Message

CHANNEL = "backlot:work"


def work(lane: str) -> Message:
    """There is something to do in the lane, or a slot is free: its workers are to look."""
    return Message(CHANNEL, lane)


def ring(session: AsyncSession, lane: str) -> None:
    """`work`, once the session's transaction is committed."""
    queue.publish(session, CHANNEL, lane)


def cancel_at_provider(session: AsyncSession, attempt_id: UUID) -> None:
    """Tell the provider to stop; its answer changes nothing for the customer."""
    queue.enqueue(
        session, Job(queue.GENERATION, "cancel_at_provider", (str(attempt_id),), f"attempt:{attempt_id}:cancel")
    )
