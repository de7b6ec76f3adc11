"""The changes of a task's state. Each is made on a locked row, in one transaction, and told in the event log."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import service as events
from app.generation import jobs, queries, reading, ways
from app.generation.errors import TooManyTasks
from app.generation.failures import AwaitTurn, GiveUp, KeepPolling, NextProvider, Reconcile, Spoiled, TryAgain, Verdict
from app.generation.models import AttemptStatus, StepStatus, Task, TaskAttempt, TaskStatus, TaskStep
from app.ledger import service as ledger
from app.providers.base import ErrorCode, ProviderError

RETRYABLE = frozenset(
    {
        ErrorCode.PROVIDER_UNAVAILABLE,
        ErrorCode.PROVIDER_TIMEOUT,
        ErrorCode.PROVIDER_QUOTA,
        ErrorCode.PROVIDER_BUSY,
        ErrorCode.URL_UNREACHABLE,
        ErrorCode.DEADLINE_EXCEEDED,
        ErrorCode.INTERNAL,
    }
)


def error(code: ErrorCode, message: str, provider: str | None) -> dict[str, object]:
    return {"code": code.value, "message": message, "retryable": code in RETRYABLE, "provider": provider}


def announce(session: AsyncSession, task: Task, type_: str, place: reading.Place | None = None) -> None:
    """Write the event of a change that was just made to the task. `place` is that of a pending one in its queue."""
    task.version += 1
    events.record(
        session,
        type_,
        workspace_id=task.workspace_id,
        mode=task.mode,
        task_id=task.id,
        batch_id=task.batch_id,
        data=reading.snapshot(task, place),
    )


def plan(task: Task) -> None:
    """Lay out the steps of the route chosen now, keeping those done whose place and name stay the same."""
    names = task.route[task.route_index]["steps"]
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
    task.lane = ways.of(task, min(len(kept), len(names) - 1)).lane


def begin_attempt(task: Task, step: TaskStep, part: int, now: datetime) -> TaskAttempt:
    """The attempt at one of the step's calls, which is about to be made, and what it makes of step and task."""
    part_by = ways.of(task, step.position)
    attempt = TaskAttempt(
        id=new_id(),
        task_id=task.id,
        run=task.run,
        position=step.position,
        part=part,
        provider=part_by.provider,
        model=part_by.model,
        status=AttemptStatus.SUBMITTING,
        asset_ids=[],
        callbacks=0,
        started_at=now,
    )
    task.attempts.append(attempt)
    task.provider = task.route[task.route_index]["provider"]
    task.status = TaskStatus.PROCESSING
    step.status = StepStatus.PROCESSING
    step.started_at = step.started_at or now
    return attempt


async def follow(
    session: AsyncSession, task: Task, attempt: TaskAttempt, fault: ProviderError, verdict: Verdict, now: datetime
) -> bool:
    """Do what was decided after a failed call. False when the task ended or sleeps: then its fence has moved."""
    match verdict:
        case KeepPolling(seconds):
            return await _sleep(session, task, seconds)
        case Reconcile(seconds):
            _settle(attempt, AttemptStatus.UNKNOWN, fault, now)
            if task.status != TaskStatus.RECONCILING:
                task.status = TaskStatus.RECONCILING
                announce(session, task, "task.progress")
            return await _sleep(session, task, seconds)
    _settle(attempt, AttemptStatus.FAILED, fault, now)
    task.version += 1
    match verdict:
        case TryAgain(seconds):
            task.steps[attempt.position].status = StepStatus.PENDING
            task.status = TaskStatus.PROCESSING
            return await _sleep(session, task, seconds)
        case AwaitTurn(seconds):
            task.steps[attempt.position].status = StepStatus.PENDING
            return await await_turn(session, task, seconds)
        case NextProvider():
            return await _turn_to_next(session, task)
        case GiveUp(code, message):
            await fail(session, task, code, message, attempt.provider)
            return False


async def change_lane(session: AsyncSession, task: Task, lane: str) -> bool:
    """The next step takes another capacity: whoever has some of it goes on."""
    task.lane = lane
    jobs.ring(session, lane)
    return await _sleep(session, task, 0)


async def await_turn(session: AsyncSession, task: Task, seconds: float) -> bool:
    """Sleep while others are before it: the deadline is as much later."""
    if task.deadline_at is not None:
        task.deadline_at += timedelta(seconds=seconds)
    return await _sleep(session, task, seconds)


async def stand_aside(session: AsyncSession, task: Task, seconds: float) -> bool:
    """The provider is to be left alone: the next one does it, or the task sleeps (False) for so long."""
    if task.route_index + 1 < len(task.route):
        task.version += 1
        return await _turn_to_next(session, task)
    return await _sleep(session, task, seconds)


async def _turn_to_next(session: AsyncSession, task: Task) -> bool:
    task.route_index += 1
    task.status = TaskStatus.PROCESSING
    plan(task)
    await session.flush()
    return True


def _settle(attempt: TaskAttempt, status: AttemptStatus, fault: ProviderError, now: datetime) -> None:
    attempt.status, attempt.ended_at = status, now
    attempt.error = error(fault.code, fault.message, attempt.provider)
    if isinstance(fault, Spoiled):
        attempt.cost_microusd = fault.cost_microusd


async def _sleep(session: AsyncSession, task: Task, seconds: float) -> bool:
    """Let go of the task until then: by the next fence no late heartbeat of ours moves the time."""
    task.fence += 1
    await session.flush()
    await queries.set_wake_at(session, task, timedelta(seconds=seconds))
    return False


async def fail(session: AsyncSession, task: Task, code: ErrorCode, message: str, provider: str | None) -> None:
    """The end without results: the hold is given back."""
    task.error = error(code, message, provider)
    task.balance = await ledger.release(session, task.id)
    _end(session, task, TaskStatus.FAILED)
    announce(session, task, "task.failed")


async def cancel(session: AsyncSession, tasks: Sequence[Task]) -> None:
    """The customer's end: nothing is charged; whoever works on one of them loses the fence."""
    balances = await ledger.release_each(session, [task.id for task in tasks])
    for task in tasks:
        task.balance = balances[task.id]
        _end(session, task, TaskStatus.CANCELED)
        announce(session, task, "task.canceled")


async def take_in(session: AsyncSession, task: Task, found: Mapping[str, str], size_class: int, now: datetime) -> bool:
    """Its images, given by URL, are assets now, and it begins. False when it waits for a slot in another lane."""
    task.input = {**task.input, **found}
    task.size_class = size_class
    task.version += 1
    lane = ways.of(task, 0).lane
    if task.lane == lane:
        task.started_at = now
        return True
    task.lane, task.status = lane, TaskStatus.PENDING
    task.started_at = task.deadline_at = None
    jobs.ring(session, lane)
    return await _sleep(session, task, 0)


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


async def restart(session: AsyncSession, settings: Settings, task: Task, *, budget_key_id: UUID | None) -> None:
    """Order a failed or canceled task again, from its first step that is not done.

    Raises InsufficientCredits, KeyBudgetExceeded or TooManyTasks.
    """
    task.balance = await ledger.hold(
        session,
        settings,
        task.quoted,
        workspace_id=task.workspace_id,
        mode=task.mode,
        task_id=task.id,
        budget_key_id=budget_key_id,
    )
    task.run += 1
    task.route_index = 0
    task.steps = [step for step in task.steps if step.status == StepStatus.SUCCEEDED]
    await session.flush()
    plan(task)
    room = await queries.has_room(session, workspace_id=task.workspace_id, mode=task.mode, lane=task.lane)
    if not room:
        raise TooManyTasks
    task.status, task.error = TaskStatus.PENDING, None
    task.started_at = task.completed_at = task.deadline_at = None
    await session.flush()
    await queries.set_wake_at(session, task, timedelta())
    announce(session, task, "task.created", await queries.find_place(session, task.id))
    jobs.ring(session, task.lane)
