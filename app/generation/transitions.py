"""The changes of a task's state. Each is made on a locked row, in one transaction, and told in the event log."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import service as assets
from app.core import clock
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import service as events
from app.generation import jobs, queries, reading
from app.generation.models import AttemptStatus, StepStatus, Task, TaskAttempt, TaskStatus, TaskStep
from app.ledger import service as ledger
from app.providers.base import REMOTE, ErrorCode

RETRYABLE = frozenset(
    {
        ErrorCode.PROVIDER_UNAVAILABLE,
        ErrorCode.PROVIDER_TIMEOUT,
        ErrorCode.PROVIDER_QUOTA,
        ErrorCode.DEADLINE_EXCEEDED,
        ErrorCode.INTERNAL,
    }
)


def error(code: ErrorCode, message: str, provider: str | None) -> dict[str, object]:
    return {"code": code.value, "message": message, "retryable": code in RETRYABLE, "provider": provider}


def announce(session: AsyncSession, task: Task, type_: str) -> None:
    """Write the event of a change that was just made to the task."""
    task.version += 1
    events.record(
        session,
        type_,
        workspace_id=task.workspace_id,
        mode=task.mode,
        task_id=task.id,
        data=reading.snapshot(task),
    )


def plan(task: Task) -> None:
    """Lay out the steps of the route chosen now, keeping those done whose place and name stay the same."""
    route = task.route[task.route_index]
    task.lane, names = route.get("lane", REMOTE), route["steps"]
    kept = [
        step
        for step, name in zip(task.steps, names, strict=False)
        if step.status == StepStatus.SUCCEEDED and step.name == name
    ]
    task.steps = [
        *kept,
        *(
            TaskStep(position=place, name=names[place], asset_ids=[], status=StepStatus.PENDING)
            for place in range(len(kept), len(names))
        ),
    ]


def begin_attempt(task: Task, step: TaskStep) -> TaskAttempt:
    """Note that a provider is about to be called: before the call, so that a crash can be told from nothing."""
    route = task.route[task.route_index]
    attempt = TaskAttempt(
        id=new_id(),
        task_id=task.id,
        run=task.run,
        position=step.position,
        provider=route["provider"],
        model=route["model"],
        status=AttemptStatus.SUBMITTING,
        started_at=clock.now(),
    )
    task.attempts.append(attempt)
    task.provider = attempt.provider
    step.status = StepStatus.PROCESSING
    step.started_at = step.started_at or attempt.started_at
    task.status = TaskStatus.PROCESSING
    return attempt


async def complete_step(
    session: AsyncSession, task: Task, step: TaskStep, asset_ids: list[UUID], *, is_last: bool
) -> None:
    """The step's files are there; with the last step the task is done and paid."""
    step.status, step.asset_ids, step.completed_at = StepStatus.SUCCEEDED, asset_ids, clock.now()
    await assets.publish(session, asset_ids)
    if not is_last:
        announce(session, task, "task.progress")
        return
    delivered = min(len(asset_ids), task.num_outputs)
    task.charged = task.quoted * delivered // task.num_outputs
    task.output_ids = asset_ids
    task.balance = await ledger.capture(session, task.id, task.charged, reason=f"Task: {task.operation}")
    _end(session, task, TaskStatus.SUCCEEDED)
    announce(session, task, "task.succeeded")


async def fail(session: AsyncSession, task: Task, code: ErrorCode, message: str, provider: str | None) -> None:
    """The end without results: the hold is given back."""
    task.error = error(code, message, provider)
    task.balance = await ledger.release(session, task.id)
    _end(session, task, TaskStatus.FAILED)
    announce(session, task, "task.failed")


async def cancel(session: AsyncSession, task: Task) -> None:
    """The customer's end: nothing is charged; whoever works on it loses the fence."""
    task.balance = await ledger.release(session, task.id)
    _end(session, task, TaskStatus.CANCELED)
    announce(session, task, "task.canceled")


def _end(session: AsyncSession, task: Task, status: TaskStatus) -> None:
    """Nothing is awaited any more: what still runs at a provider is stopped there, and no worker may write."""
    task.status, task.completed_at = status, clock.now()
    task.fence += 1
    for attempt in task.attempts:
        if attempt.status in (AttemptStatus.SUBMITTING, AttemptStatus.ACCEPTED):
            if attempt.status == AttemptStatus.ACCEPTED:
                jobs.cancel_at_provider(session, attempt.id)
            attempt.status, attempt.ended_at = AttemptStatus.CANCELED, clock.now()
    jobs.ring(session, task.lane)  # a slot is free
    left = StepStatus.CANCELED if status == TaskStatus.CANCELED else StepStatus.FAILED
    for step in task.steps:
        if step.status == StepStatus.PROCESSING:
            step.status = left
        elif step.status == StepStatus.PENDING:
            step.status = StepStatus.CANCELED


async def restart(session: AsyncSession, settings: Settings, task: Task) -> None:
    """Order a failed or canceled task again, from its first step that is not done. Raises InsufficientCredits."""
    task.balance = await ledger.hold(
        session, settings, task.quoted, workspace_id=task.workspace_id, mode=task.mode, task_id=task.id
    )
    task.run += 1
    task.route_index = 0
    task.status, task.error = TaskStatus.PENDING, None
    task.started_at = task.completed_at = task.deadline_at = None
    task.steps = [step for step in task.steps if step.status == StepStatus.SUCCEEDED]
    await session.flush()
    plan(task)
    await queries.set_wake_at(session, task, timedelta())
    announce(session, task, "task.created")
    jobs.ring(session, task.lane)
