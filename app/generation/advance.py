"""The worker's side of a task: claim it, call the provider, record what came of it.

Every write carries the fence of our claim, so a worker that lost its lease changes nothing. No transaction is open
while a provider or the storage works. If the process dies on any line, the lease runs out, another worker claims the
task, and the attempt left at `submitting` tells it that a call may have been made.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import service as assets
from app.assets.errors import AssetNotFound, InvalidImage
from app.assets.tools import AssetTools
from app.core import clock
from app.core.db import Database
from app.core.egress import EgressError
from app.core.ids import decode, encode
from app.core.problems import DependencyDown
from app.core.settings import Settings
from app.generation import failures, jobs, queries, steps, transitions
from app.generation.leases import Claim, Heart, LostLease
from app.generation.models import AttemptStatus, StepStatus, Task, TaskAttempt, TaskStatus, TaskStep
from app.generation.operations import OPERATIONS
from app.generation.queries import Claimed
from app.providers.base import (
    Accepted,
    Call,
    Done,
    ErrorCode,
    Output,
    Provider,
    ProviderError,
    Rejected,
    Running,
    Transient,
    Unknown,
)
from app.providers.catalog import Catalog

log = structlog.get_logger()
STORAGE_PAUSE_SECONDS = 2.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Engine:
    """What a worker works with."""

    settings: Settings
    database: Database
    catalog: Catalog
    assets: AssetTools
    heart: Heart = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "heart", Heart(self.database, self.lease))

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.settings.tasks.lease_seconds)

    @property
    def deadline(self) -> timedelta:
        return timedelta(seconds=self.settings.tasks.image_deadline_seconds)


async def advance_task(engine: Engine, task_id: UUID) -> None:
    """Do what is due for this one task, if anything is. Twice, too late, or after a crash, it does no harm."""
    for claimed in await queries.claim(engine.database, only=task_id, lease=engine.lease, deadline=engine.deadline):
        await work_on(engine, claimed)


async def work_on(engine: Engine, claimed: Claimed) -> None:
    """Do what is due for a claimed task. Stopped in the middle, it lets another worker have the task at once."""
    task = claimed.task
    claim = Claim(task.id, task.fence)
    with structlog.contextvars.bound_contextvars(task_id=encode("task", task.id)):
        try:
            await engine.heart.keep(claim, _Run(engine, task, claimed.seconds_left).to_the_end())
        except LostLease:
            log.info("lease_lost", fence=claim.fence)
        except asyncio.CancelledError:
            await asyncio.shield(_hand_over(engine, claim))
            raise


async def _hand_over(engine: Engine, claim: Claim) -> None:
    in_house = [name for name, provider in engine.catalog.providers.items() if provider.is_repeatable]
    lane = await queries.hand_over(engine.database, claim.task_id, claim.fence, in_house)
    if lane is not None:
        engine.database.ringer.ring(jobs.WORK, lane)


class _Run:
    """One claim of one task: its steps in order, until it ends or has to wait."""

    def __init__(self, engine: Engine, task: Task, seconds_left: float) -> None:
        self._engine = engine
        self._task = task
        self._deadline = asyncio.get_running_loop().time() + seconds_left

    def _left(self) -> float:
        """The seconds until the task's deadline, as the database counts them."""
        return self._deadline - asyncio.get_running_loop().time()

    async def to_the_end(self) -> None:
        while await self._next_step():
            pass

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[tuple[AsyncSession, Task]]:
        """A transaction on the task as we hold it. Raises LostLease."""
        async with self._engine.database.transaction() as session:
            task = await queries.lock_fenced(session, self._task.id, self._task.fence)
            if task is None:
                raise LostLease
            yield session, task
        self._task = task

    async def _next_step(self) -> bool:
        """Work on the first step that is not done. False when the task ended or sleeps."""
        task = self._task
        if self._left() <= 0:
            return await self._run_out_of_time()
        step = next(step for step in task.steps if step.status != StepStatus.SUCCEEDED)
        left_open = next((attempt for attempt in reversed(task.attempts) if _is_open(attempt, task, step)), None)
        if left_open is not None:
            return await self._guarded(left_open.id, lambda: self._resume(step, left_open))
        async with self._locked() as (session, locked):
            attempt = transitions.begin_attempt(locked, locked.steps[step.position])
            if not any(other.run == locked.run for other in task.attempts):
                transitions.announce(session, locked, "task.started")
        return await self._guarded(attempt.id, lambda: self._submit(step, attempt))

    async def _guarded(self, attempt_id: UUID, work: Callable[[], Awaitable[bool]]) -> bool:
        """Do it within the deadline, and turn each failure into what follows from it."""
        try:
            async with asyncio.timeout_at(self._deadline) as limit:
                return await work()
        except TimeoutError:
            if not limit.expired():
                raise
            return await self._run_out_of_time()
        except ProviderError as failure:
            fault = failure
        except (LostLease, SQLAlchemyError, OSError):
            raise  # the attempt stays open, and the next claim finds out what became of it
        except Exception:
            log.exception("attempt_crashed", attempt_id=str(attempt_id))
            fault = Transient(ErrorCode.INTERNAL, "Something went wrong on our side.")
        return await self._after(attempt_id, fault)

    async def _submit(self, step: TaskStep, attempt: TaskAttempt) -> bool:
        provider = self._provider(attempt)
        wanted = await self._calls(step, attempt)
        try:
            return await self._send(step, attempt, provider, wanted)
        except (ProviderError, LostLease, SQLAlchemyError, OSError):
            raise
        except Exception as crash:
            if provider.is_repeatable:
                raise
            log.exception("call_crashed", attempt_id=str(attempt.id))
            raise Unknown(ErrorCode.INTERNAL, "Something went wrong on our side.") from crash

    async def _send(self, step: TaskStep, attempt: TaskAttempt, provider: Provider, wanted: list[Call]) -> bool:
        outputs: list[Output] = []
        cost = 0
        for call in wanted:
            match await provider.submit(call):
                case Done() as done:
                    outputs += done.outputs
                    cost += done.cost_microusd or 0
                case Accepted(reference, poll_after):
                    return await self._accepted(attempt.id, reference, poll_after)
        return await self._deliver(step, attempt, Done(outputs, cost or None))

    async def _resume(self, step: TaskStep, attempt: TaskAttempt) -> bool:
        """Find out what became of a call made before us."""
        provider = self._provider(attempt)
        if attempt.status == AttemptStatus.ACCEPTED and attempt.provider_reference:
            match await provider.poll(attempt.provider_reference):
                case Done() as done:
                    return await self._deliver(step, attempt, done)
                case Running(_, poll_after):
                    return await self._sleep(attempt, poll_after or failures.poll_delay(attempt))
        if provider.is_repeatable:
            raise Transient(ErrorCode.INTERNAL, "The worker stopped in the middle; the step is done again.")
        match await provider.find(encode("att", attempt.id), attempt.model):
            case Done() as done:
                return await self._deliver(step, attempt, done)
            case Accepted(reference, poll_after):
                return await self._accepted(attempt.id, reference, poll_after)
        raise Unknown(ErrorCode.PROVIDER_TIMEOUT, "The provider never answered whether it took the job.")

    def _provider(self, attempt: TaskAttempt) -> Provider:
        provider = self._engine.catalog.providers.get(attempt.provider)
        if provider is None:
            raise Transient(ErrorCode.NO_ROUTE, f"The provider {attempt.provider} is not enabled here.")
        return provider

    async def _calls(self, step: TaskStep, attempt: TaskAttempt) -> list[Call]:
        task, tools = self._task, self._engine.assets
        operation = OPERATIONS[task.operation]
        images = {name: decode("asset", task.input[name]) for name in operation.input.images}
        made = {done.name: done.asset_ids for done in task.steps if done.status == StepStatus.SUCCEEDED}
        try:
            async with self._engine.database.transaction() as session:
                size = (0, 0)
                for image in list(images.values())[:1]:
                    first = await assets.get_ready(session, image, workspace_id=task.workspace_id, mode=task.mode)
                    size = (first.width or 0, first.height or 0)
                planned = steps.calls(task.operation, step.name, task.input, images, size, made)
                needed = {asset_id for call in planned for asset_id in call.files.values()}
                rows = [
                    await assets.get_ready(session, asset_id, workspace_id=task.workspace_id, mode=task.mode)
                    for asset_id in needed
                ]
            contents = {row.id: await _patiently(partial(assets.read_full, tools, row)) for row in rows}
        except AssetNotFound as gone:
            raise Rejected(ErrorCode.INVALID_IMAGE, "An image this task needs was deleted.") from gone
        return [call.to_provider(task, step, attempt, contents, self._engine.settings) for call in planned]

    async def _deliver(self, step: TaskStep, attempt: TaskAttempt, done: Done) -> bool:
        """Store the results first, then record them: nothing is charged that is not stored."""
        if not done.outputs:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider answered without a result.")
        is_last = step.position == len(self._task.steps) - 1
        stored: list[UUID] = []
        try:
            for number, output in enumerate(done.outputs, 1):
                stored.append(await self._store(step, output, number, is_intermediate=not is_last))
        except BaseException:
            await self._discard(stored)
            raise
        # Whoever is stopped beyond this line, or loses the database, cannot know whether these are the customer's now.
        # What was not published is swept in an hour.
        try:
            async with self._locked() as (session, task):
                _settle(task, attempt.id, AttemptStatus.SUCCEEDED, None, done.cost_microusd)
                await transitions.complete_step(session, task, task.steps[step.position], stored, is_last=is_last)
        except LostLease:
            await self._discard(stored)
            raise
        return not is_last

    async def _discard(self, stored: list[UUID]) -> None:
        await asyncio.shield(assets.discard(self._engine.assets, self._engine.database, stored))

    async def _store(self, step: TaskStep, output: Output, number: int, *, is_intermediate: bool) -> UUID:
        tools, task = self._engine.assets, self._task
        try:
            content = output.content
            if content is None:
                limit = self._engine.settings.assets.max_output_bytes
                content = (await tools.egress.fetch(output.url or "", max_bytes=limit)).content
            keep = partial(
                assets.store_output,
                tools,
                self._engine.database,
                content,
                workspace_id=task.workspace_id,
                mode=task.mode,
                task_id=task.id,
                is_intermediate=is_intermediate,
                filename=f"{task.operation if not is_intermediate else step.name}-{number}",
            )
            return await _patiently(keep)
        except InvalidImage as fault:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's result was not a whole image.") from fault
        except EgressError as fault:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's result could not be downloaded.") from fault

    async def _accepted(self, attempt_id: UUID, reference: str, poll_after: float) -> bool:
        """The provider works on it: note its id and sleep. No worker is held meanwhile."""
        async with self._locked() as (session, task):
            attempt = _settle(task, attempt_id, AttemptStatus.ACCEPTED, None, None)
            attempt.provider_reference, attempt.ended_at = reference, None
            task.status = TaskStatus.PROCESSING
            await _wake_in(session, task, 0 if attempt.callbacks else poll_after)
        return False

    async def _sleep(self, attempt: TaskAttempt, seconds: float) -> bool:
        """Until the next poll: at once if the provider has called back while we asked."""
        async with self._locked() as (session, task):
            seen, attempt = attempt.callbacks, next(one for one in task.attempts if one.id == attempt.id)
            await _wake_in(session, task, 0 if attempt.callbacks > seen else seconds)
        return False

    async def _after(self, attempt_id: UUID, fault: ProviderError) -> bool:
        """What follows from a failure: wait and try again, another provider, the reconciler, or the end."""
        async with self._locked() as (session, task):
            attempt = next(one for one in task.attempts if one.id == attempt_id)
            verdict = failures.judge(fault, task, attempt, self._engine.settings, self._left())
            match verdict:
                case failures.KeepPolling(seconds):
                    await _wake_in(session, task, seconds)
                    return False
                case failures.Reconcile(seconds):
                    _settle(task, attempt_id, AttemptStatus.UNKNOWN, fault, None)
                    if task.status != TaskStatus.RECONCILING:
                        task.status = TaskStatus.RECONCILING
                        transitions.announce(session, task, "task.progress")
                    await _wake_in(session, task, seconds)
                    return False
            _settle(task, attempt_id, AttemptStatus.FAILED, fault, None)
            match verdict:
                case failures.TryAgain(seconds):
                    task.steps[attempt.position].status = StepStatus.PENDING
                    task.status = TaskStatus.PROCESSING
                    await _wake_in(session, task, seconds)
                    return False
                case failures.NextProvider():
                    task.route_index += 1
                    task.status = TaskStatus.PROCESSING
                    transitions.plan(task)
                    await session.flush()
                case failures.GiveUp(code, message):
                    await transitions.fail(session, task, code, message, attempt.provider)
                    return False
        return True

    async def _run_out_of_time(self) -> bool:
        async with self._locked() as (session, task):
            code, message = ErrorCode.DEADLINE_EXCEEDED, "The task did not finish in time."
            await transitions.fail(session, task, code, message, task.provider)
        return False


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Again until the storage is up: what a provider made is not thrown away for it. The deadline ends the wait."""
    while True:
        try:
            return await work()
        except DependencyDown as fault:
            log.warning("storage_awaited", error=repr(fault))
            await asyncio.sleep(STORAGE_PAUSE_SECONDS)


def _is_open(attempt: TaskAttempt, task: Task, step: TaskStep) -> bool:
    undecided = (AttemptStatus.SUBMITTING, AttemptStatus.ACCEPTED, AttemptStatus.UNKNOWN)
    return attempt.run == task.run and attempt.position == step.position and attempt.status in undecided


def _settle(
    task: Task, attempt_id: UUID, status: AttemptStatus, fault: ProviderError | None, cost_microusd: int | None
) -> TaskAttempt:
    attempt = next(one for one in task.attempts if one.id == attempt_id)
    attempt.status, attempt.ended_at = status, clock.now()
    attempt.cost_microusd = cost_microusd
    attempt.error = transitions.error(fault.code, fault.message, attempt.provider) if fault else None
    return attempt


async def _wake_in(session: AsyncSession, task: Task, seconds: float) -> None:
    """Let go of the task until then: by the next fence no late heartbeat of ours moves the time."""
    delay = timedelta(seconds=seconds)
    task.fence += 1
    await session.flush()
    await queries.set_wake_at(session, task, delay)
    if not seconds:
        jobs.ring(session, task.lane)


async def cancel_at_provider(engine: Engine, attempt_id: UUID) -> None:
    """Ask the provider to stop a canceled job. Failing is no harm: its result is not waited for."""
    async with engine.database.transaction() as session:
        attempt = await queries.find_attempt(session, attempt_id)
    if attempt is None or attempt.provider_reference is None:
        return
    provider = engine.catalog.providers.get(attempt.provider)
    if provider is not None:
        try:
            await provider.cancel(attempt.provider_reference)
        except ProviderError as fault:
            log.info("cancel_refused", provider=attempt.provider, error=fault.message)
