"""SQL of tasks."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, func, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.paging import PageRequest
from app.generation.models import OPEN, Task, TaskAttempt, TaskStatus

WHOLE = (selectinload(Task.steps), selectinload(Task.attempts))
PROVIDER = Task.route[Task.route_index]["provider"].astext


async def find_task(
    session: AsyncSession, task_id: UUID, *, workspace_id: UUID, mode: str, for_update: bool = False
) -> Task | None:
    """With steps and attempts; not the deleted ones."""
    query = (
        select(Task)
        .where(Task.id == task_id, Task.workspace_id == workspace_id, Task.mode == mode, Task.deleted_at.is_(None))
        .options(*WHOLE)
        .execution_options(populate_existing=True)
    )
    if for_update:
        query = query.with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def find_status(session: AsyncSession, task_id: UUID, *, workspace_id: UUID, mode: str) -> str | None:
    query = select(Task.status).where(
        Task.id == task_id, Task.workspace_id == workspace_id, Task.mode == mode, Task.deleted_at.is_(None)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def list_tasks(
    session: AsyncSession,
    page: PageRequest,
    *,
    workspace_id: UUID,
    mode: str,
    status: Sequence[str] = (),
    operation: str | None = None,
    batch_id: UUID | None = None,
    created_after: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Sequence[Task]:
    query = (
        select(Task)
        .where(Task.workspace_id == workspace_id, Task.mode == mode, Task.deleted_at.is_(None))
        .options(*WHOLE)
    )
    if status:
        query = query.where(Task.status.in_(status))
    if operation:
        query = query.where(Task.operation == operation)
    if batch_id:
        query = query.where(Task.batch_id == batch_id)
    if created_after:
        query = query.where(Task.created_at > created_after)
    for key, value in (metadata or {}).items():
        query = query.where(Task.meta[key].astext == value)
    if page.after:
        query = query.where(tuple_(Task.created_at, Task.id) < (page.after.created_at, page.after.id))
    query = query.order_by(Task.created_at.desc(), Task.id.desc()).limit(page.limit + 1)
    return (await session.execute(query)).scalars().all()


async def claim(
    session: AsyncSession, task_id: UUID, *, lease: timedelta, deadline: timedelta
) -> tuple[Task, timedelta] | None:
    """Take the task until the lease ends, if something is due; None when it is not, or another has it.

    With it comes the time left to its deadline. All times are the database's, so that the clocks of workers do not
    matter.
    """
    now = func.clock_timestamp()
    due = (
        select(Task.id)
        .where(Task.id == task_id, Task.status.in_(OPEN), Task.wake_at <= now)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claimed = await session.execute(
        update(Task)
        .where(Task.id == due)
        .values(
            status=case((Task.status == TaskStatus.PENDING, TaskStatus.PROCESSING), else_=Task.status),
            fence=Task.fence + 1,
            version=Task.version + 1,
            wake_at=now + literal(lease),
            started_at=func.coalesce(Task.started_at, now),
            deadline_at=func.coalesce(Task.deadline_at, now + literal(deadline)),
        )
        .returning(Task.id)
        .execution_options(synchronize_session=False)
    )
    if claimed.scalar_one_or_none() is None:
        return None
    left = (Task.deadline_at - func.clock_timestamp()).label("left")
    query = select(Task, left).where(Task.id == task_id).options(*WHOLE).execution_options(populate_existing=True)
    row = (await session.execute(query)).one()
    return row.Task, row.left


async def extend_lease(session: AsyncSession, task_id: UUID, fence: int, lease: timedelta) -> bool:
    """False when the task was taken away: canceled, ended, or claimed by another."""
    extended = await session.execute(
        update(Task)
        .where(Task.id == task_id, Task.fence == fence, Task.status.in_(OPEN))
        .values(wake_at=func.clock_timestamp() + literal(lease))
        .returning(Task.id)
        .execution_options(synchronize_session=False)
    )
    return extended.scalar_one_or_none() is not None


async def lock_fenced(session: AsyncSession, task_id: UUID, fence: int) -> Task | None:
    """The task with all its parts, locked, if we still hold it."""
    query = (
        select(Task)
        .where(Task.id == task_id, Task.fence == fence, Task.status.in_(OPEN))
        .options(*WHOLE)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def set_wake_at(session: AsyncSession, task: Task, delay: timedelta) -> None:
    """Something is due again after `delay`, and at the deadline at the latest."""
    await session.execute(
        update(Task)
        .where(Task.id == task.id)
        .values(wake_at=func.least(func.clock_timestamp() + literal(delay), Task.deadline_at))
        .execution_options(synchronize_session=False)
    )


async def find_due_provider(session: AsyncSession, task_id: UUID) -> str | None:
    """Who is to be called next; None when nothing is due."""
    query = select(PROVIDER).where(Task.id == task_id, Task.status.in_(OPEN), Task.wake_at <= func.clock_timestamp())
    return (await session.execute(query)).scalar_one_or_none()


async def list_overdue(
    session: AsyncSession, *, grace: timedelta, limit: int, of: str | None = None, not_of: Collection[str] = ()
) -> Sequence[tuple[UUID, int]]:
    """Tasks whose time has passed: id and fence, those begun first, then the longest overdue."""
    query = (
        select(Task.id, Task.fence)
        .where(Task.status.in_(OPEN), Task.wake_at < func.clock_timestamp() - literal(grace))
        .order_by(Task.status == TaskStatus.PENDING, Task.wake_at)
        .limit(limit)
    )
    if of is not None:
        query = query.where(of == PROVIDER)
    if not_of:
        query = query.where(PROVIDER.not_in(not_of))
    return [(row.id, row.fence) for row in await session.execute(query)]


async def find_attempt(session: AsyncSession, attempt_id: UUID) -> TaskAttempt | None:
    return await session.get(TaskAttempt, attempt_id)
