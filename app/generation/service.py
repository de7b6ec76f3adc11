"""What customers do with tasks: order, read, cancel, retry, delete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.keys.limits import check_operation
from app.accounts.permissions import check_may_spend
from app.accounts.schemas import CallerInfo
from app.core import clock
from app.core.paging import PageRequest, cut
from app.core.settings import Settings
from app.generation import queries, transitions
from app.generation.errors import TaskEnded, TaskNotEnded, TaskNotFound, TaskNotRetryable
from app.generation.models import Task, TaskStatus


async def get_task(session: AsyncSession, caller: CallerInfo, task_id: UUID, *, for_update: bool = False) -> Task:
    """Raises TaskNotFound."""
    task = await queries.find_task(
        session, task_id, workspace_id=caller.workspace_id, mode=caller.mode, for_update=for_update
    )
    if task is None:
        raise TaskNotFound
    return task


async def list_tasks(
    session: AsyncSession,
    caller: CallerInfo,
    page: PageRequest,
    *,
    status: Sequence[str],
    operation: str | None,
    batch_id: UUID | None,
    created_after: datetime | None,
    metadata: Mapping[str, str],
) -> tuple[list[UUID], str | None]:
    """Their ids, and the next cursor."""
    rows = await queries.list_tasks(
        session,
        page,
        workspace_id=caller.workspace_id,
        mode=caller.mode,
        status=status,
        operation=operation,
        batch_id=batch_id,
        created_after=created_after,
        metadata=metadata,
    )
    found, cursor = cut(rows, page)
    return [row.id for row in found], cursor


async def cancel_task(session: AsyncSession, caller: CallerInfo, task_id: UUID) -> Task:
    """End the task now and give the hold back. Again on a canceled one does no harm. Raises TaskEnded."""
    task = await get_task(session, caller, task_id, for_update=True)
    if task.status == TaskStatus.CANCELED:
        return task
    if task.is_ended:
        raise TaskEnded(f"The task has already {task.status}.")
    await transitions.cancel(session, [task])
    return task


async def retry_task(session: AsyncSession, settings: Settings, caller: CallerInfo, task_id: UUID) -> Task:
    """Order a failed or canceled task again at its quoted price; steps that are done are not repeated.

    It counts in the budget of the key it is ordered with now.
    """
    check_may_spend(caller)
    task = await get_task(session, caller, task_id, for_update=True)
    check_operation(caller, task.operation)
    if task.status not in (TaskStatus.FAILED, TaskStatus.CANCELED):
        raise TaskNotRetryable(f"The task is {task.status}; only a failed or canceled one can be tried again.")
    await transitions.restart(session, settings, task, budget_key_id=caller.budget_key_id)
    return task


async def delete_task(session: AsyncSession, caller: CallerInfo, task_id: UUID) -> None:
    """Take an ended task out of sight; its files stay in the gallery. Raises TaskNotEnded."""
    task = await get_task(session, caller, task_id, for_update=True)
    if not task.is_ended:
        raise TaskNotEnded
    task.deleted_at = clock.now()
