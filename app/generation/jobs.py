"""The messages that wake workers about tasks."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queue
from app.core.queue import Job


def advance_task(session: AsyncSession, task_id: UUID, fence: int, delay: timedelta = timedelta()) -> None:
    """Look at the task once the transaction is committed and the delay is over.

    The id is that of the task and its fence: however often it is rung for, one bell hangs in the queue.
    """
    queue.enqueue(session, Job(queue.GENERATION, "advance_task", (str(task_id),), f"task:{task_id}:{fence}", delay))


def cancel_at_provider(session: AsyncSession, attempt_id: UUID) -> None:
    """Tell the provider to stop; its answer changes nothing for the customer."""
    queue.enqueue(
        session, Job(queue.GENERATION, "cancel_at_provider", (str(attempt_id),), f"attempt:{attempt_id}:cancel")
    )
