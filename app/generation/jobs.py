"""The messages that wake workers about tasks."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, queue
from app.core.queue import Job
from app.generation.models import Task


def advance_task(session: AsyncSession, task: Task, delay: timedelta = timedelta()) -> None:
    """Look at the task once the transaction is committed and the delay is over."""
    job = Job(queue.GENERATION, "advance_task", (str(task.id),), f"task:{task.id}:{task.run}:{task.fence}", delay)
    queue.enqueue(session, job)


def ring_again(session: AsyncSession, task_id: UUID, fence: int) -> None:
    """Look at a task whose bell was lost. The id has the time in it: an older job may be stuck with a dead worker."""
    moment = int(clock.now().timestamp())
    queue.enqueue(session, Job(queue.GENERATION, "advance_task", (str(task_id),), f"task:{task_id}:{fence}:{moment}"))


def cancel_at_provider(session: AsyncSession, attempt_id: UUID) -> None:
    """Tell the provider to stop; its answer changes nothing for the customer."""
    queue.enqueue(
        session, Job(queue.GENERATION, "cancel_at_provider", (str(attempt_id),), f"attempt:{attempt_id}:cancel")
    )
