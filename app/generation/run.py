"""One claim of one task: its steps in order, call by call, until it ends or has to wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.errors import AssetNotFound
from app.core.db import UNREACHABLE, Database
from app.core.ids import encode
from app.core.settings import Settings
from app.generation import failures, milestones, queries, steps, transitions, ways
from app.generation.failures import Spoiled
from app.generation.files import TRIES, Files, Unusable, made_before
from app.generation.gates import Gates, Hold
from app.generation.history import History
from app.generation.imports import ImportFailed, Imports, urls
from app.generation.leases import Claim, LostLease
from app.generation.models import AttemptStatus, StepStatus, Task, TaskAttempt, TaskStatus, TaskStep
from app.generation.queries import Claimed
from app.generation.recording import Recorder, patiently
from app.providers.base import (
    Accepted,
    Done,
    ErrorCode,
    NotSent,
    Offer,
    Provider,
    ProviderError,
    Running,
    Transient,
    Unknown,
)
from app.providers.catalog import Catalog, Part

log = structlog.get_logger()
UNDECIDED = (AttemptStatus.SUBMITTING, AttemptStatus.ACCEPTED, AttemptStatus.UNKNOWN)


class Run:
    """Works on a task from its claim on. The task belongs to no session: what is told of it is read from it."""

    def __init__(
        self,
        claimed: Claimed,
        claim: Claim,
        *,
        settings: Settings,
        database: Database,
        catalog: Catalog,
        recorder: Recorder,
        files: Files,
        imports: Imports,
        history: History,
        gates: Gates,
    ) -> None:
        self._task = claimed.task
        self._claim = claim
        self._settings = settings
        self._database = database
        self._catalog = catalog
        self._recorder = recorder
        self._files = files
        self._imports = imports
        self._history = history
        self._gates = gates
        self._claimed = claimed
        self._claimed_at = asyncio.get_running_loop().time()

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._claimed_at

    def _now(self) -> datetime:
        """The database's time: a worker's own clock may be wrong."""
        return self._claimed.now + timedelta(seconds=self._elapsed())

    def _left(self) -> float:
        """The seconds until the task's deadline."""
        return self._claimed.seconds_left - self._elapsed()

    async def to_the_end(self) -> None:
        """Raises LostLease, and what the database raises when it fails us: then the lease runs out."""
        while await self._next():
            self._claim.has_result = False

    async def _next(self) -> bool:
        """Find out about the call that is open, or make the next one. False when the task ended or sleeps."""
        task = self._task
        if self._left() <= 0:
            return await self._run_out_of_time()
        if urls(task):
            return await self._import()
        step = next(step for step in task.steps if step.status != StepStatus.SUCCEEDED)
        left_open = next((one for one in reversed(task.attempts) if self._is_of(one, step, UNDECIDED)), None)
        if left_open is not None:
            return await self._guarded(left_open, partial(self._resume, step, left_open))
        way = ways.of(task, step.position)
        if way.lane != task.lane:
            return await self._change_lane(way.lane)
        if hold := await self._gates.enter(task, way):
            return await self._hold(hold, way)
        try:
            async with asyncio.timeout(self._left()) as limit:
                planned = await self._files.plan(task, step)
                part = next(part for part in range(len(planned)) if part not in self._parts(step))
                files = await self._files.read(task, planned[part])
        except TimeoutError:
            if not limit.expired():
                raise
            return await self._run_out_of_time()
        except AssetNotFound:
            return await self._fail(ErrorCode.INVALID_IMAGE, "An image this task needs was deleted.")
        attempt = await self._begin(step, part)
        return await self._guarded(attempt, partial(self._submit, step, attempt, planned[part], files))

    async def _import(self) -> bool:
        """Bring in the images of a batch's item, before its first step."""
        try:
            async with asyncio.timeout(self._left()) as limit:
                found, size_class = await self._imports.bring(self._task)
        except TimeoutError:
            if not limit.expired():
                raise
            return await self._run_out_of_time()
        except ImportFailed as fault:
            return await self._fail(fault.code, fault.message)
        return await patiently(partial(self._take_in, found, size_class))

    async def _take_in(self, found: Mapping[str, str], size_class: int) -> bool:
        async with self._locked() as (session, task):
            return await transitions.take_in(session, task, found, size_class, self._now())

    def _is_of(self, attempt: TaskAttempt, step: TaskStep, statuses: tuple[AttemptStatus, ...]) -> bool:
        return (attempt.run, attempt.position) == (self._task.run, step.position) and attempt.status in statuses

    def _parts(self, step: TaskStep) -> dict[int, list[UUID]]:
        """What the step's calls have made so far, in their order; of the provider chosen now."""
        way = ways.of(self._task, step.position)
        done = [
            one
            for one in self._task.attempts
            if self._is_of(one, step, (AttemptStatus.SUCCEEDED,))
            and (one.provider, one.model) == (way.provider, way.model)
        ]
        return {one.part: one.asset_ids for one in sorted(done, key=lambda one: one.part)}

    # --- calling

    async def _hold(self, hold: Hold, way: Part) -> bool:
        """It may not be called now: wait for its turn, take the next provider, or sleep."""
        seconds = failures.spread(hold.seconds)
        async with self._locked() as (session, task):
            if hold.is_turn and failures.may_await_turn(task, seconds, self._settings, self._now()):
                return await transitions.await_turn(session, task, seconds)
            is_to_go_on = await transitions.stand_aside(session, task, seconds)
        await self._gates.settle(self._task, way, is_open=False)
        return is_to_go_on

    async def _change_lane(self, lane: str) -> bool:
        async with self._locked() as (session, task):
            return await transitions.change_lane(session, task, lane)

    async def _begin(self, step: TaskStep, part: int) -> TaskAttempt:
        """Note that a provider is about to be called: before the call, so that a crash can be told from nothing."""
        is_first = not any(one.run == self._task.run for one in self._task.attempts)
        attempt = transitions.begin_attempt(self._task, step, part, self._now())
        item = milestones.begun(self._task, attempt, is_first=is_first)
        await self._record(attempt, self._recorder.begin, item)
        return attempt

    async def _submit(
        self, step: TaskStep, attempt: TaskAttempt, call: steps.StepCall, files: Mapping[str, bytes]
    ) -> bool:
        provider = self._catalog.providers.get(attempt.provider)
        if provider is None:
            raise Transient(ErrorCode.NO_ROUTE, f"The provider {attempt.provider} is not enabled here.")
        operation, sure = ways.of(self._task, step.position).operation, self._claim.about_to_send
        offer = self._offer(step, attempt)
        order = call.to_provider(self._task, attempt, files, self._settings, sure, operation, offer)
        try:
            order.about_to_send()
            answer = await provider.submit(order)
        except NotSent:
            await self._take_back(attempt)
            return await self._submit(step, attempt, call, files)
        except (ProviderError, OSError):
            raise
        except Exception as crash:
            raise self._crashed(attempt, provider) from crash
        return await self._answered(step, attempt, provider, answer)

    async def _answered(
        self, step: TaskStep, attempt: TaskAttempt, provider: Provider, answer: Done | Accepted
    ) -> bool:
        match answer:
            case Done() as done:
                return await self._deliver(step, attempt, done, provider, tries=TRIES)
            case Accepted(reference, poll_after):
                return await self._accepted(attempt, reference, poll_after)

    async def _resume(self, step: TaskStep, attempt: TaskAttempt) -> bool:
        """Find out what became of a call made before us."""
        provider = self._catalog.providers.get(attempt.provider)
        if provider is None:
            kind = Transient if attempt.status == AttemptStatus.ACCEPTED else Unknown
            raise kind(ErrorCode.NO_ROUTE, f"The provider {attempt.provider} is not enabled here.")
        if attempt.status == AttemptStatus.ACCEPTED and attempt.provider_reference:
            return await self._poll(step, attempt, provider, attempt.provider_reference)
        if provider.is_repeatable:
            raise Transient(ErrorCode.INTERNAL, "The worker stopped in the middle; the step is done again.")
        try:
            found = await provider.find(encode("att", attempt.id), attempt.model)
        except (ProviderError, OSError):
            raise
        except Exception as crash:
            raise self._crashed(attempt, provider) from crash
        if found is None:
            raise Unknown(ErrorCode.PROVIDER_TIMEOUT, "The provider never answered whether it took the job.")
        return await self._answered(step, attempt, provider, found)

    async def _poll(self, step: TaskStep, attempt: TaskAttempt, provider: Provider, reference: str) -> bool:
        """Ask for the result; for a fresh link, where one leads nowhere."""
        tries = 0
        while True:
            match await provider.poll(reference):
                case Running(_, poll_after):
                    return await self._wait(attempt, None, poll_after or failures.poll_delay(attempt, self._now()))
                case Done() as done:
                    tries += 1
                    try:
                        return await self._deliver(step, attempt, done, provider, tries=1)
                    except Spoiled:
                        if tries == TRIES:
                            raise
            await self._files.pause(tries)

    def _crashed(self, attempt: TaskAttempt, provider: Provider) -> ProviderError:
        """Our code failed around a call: it may have been made."""
        log.exception("call_crashed", attempt_id=str(attempt.id))
        kind = Transient if provider.is_repeatable else Unknown
        return kind(ErrorCode.INTERNAL, "Something went wrong on our side.")

    # --- recording

    async def _deliver(
        self, step: TaskStep, attempt: TaskAttempt, done: Done, provider: Provider, *, tries: int
    ) -> bool:
        """Store the results first, then record them: nothing is charged that is not stored."""
        self._claim.has_result = True
        first, offer = 1 + sum(map(len, self._parts(step).values())), self._offer(step, attempt)
        cost = offer.cost(done) if offer else done.cost_microusd
        try:
            stored = await self._files.store(self._task, step, done, provider, offer, first=first, tries=tries)
        except Unusable as fault:
            code, message = ErrorCode.PROVIDER_UNAVAILABLE, str(fault)
            if provider.is_repeatable:
                raise Transient(code, message) from fault
            raise Spoiled(code, message, cost_microusd=cost) from fault
        attempt.status, attempt.asset_ids, attempt.cost_microusd = AttemptStatus.SUCCEEDED, stored, cost
        attempt.ended_at, attempt.error = self._now(), None
        parts, task = self._parts(step), self._task
        calls = steps.count(task.operation, step.name, task.input, made_before(task), ways.of(task, step.position))
        made = [made for part in sorted(parts) for made in parts[part]] if len(parts) == calls else None
        item = milestones.finished(task, step, attempt, made)
        # Whoever is stopped in the next line, or loses the database, cannot know whether these are the customer's now.
        # What was not published is swept in an hour.
        try:
            await self._record(attempt, self._recorder.finish, item)
        except LostLease:
            await self._files.discard(stored)
            raise
        if self._task.is_ended:
            self._measure()
        return not self._task.is_ended

    def _offer(self, step: TaskStep, attempt: TaskAttempt) -> Offer | None:
        """The model's row as it is now."""
        operation = ways.of(self._task, step.position).operation
        return self._catalog.find(attempt.provider, operation, attempt.model)

    def _measure(self) -> None:
        """How long a task by that route takes, for the estimates of others."""
        task, route = self._task, self._task.route[self._task.route_index]
        if task.started_at is not None and task.completed_at is not None:
            seconds = (task.completed_at - task.started_at).total_seconds()
            kind = (task.operation, route["provider"], route["model"], task.size_class)
            self._history.note(kind, len(task.output_ids), seconds)

    async def _record(
        self, attempt: TaskAttempt, write: Callable[[dict[str, Any]], Awaitable[bool]], item: dict[str, Any]
    ) -> None:
        """Write it down, whatever the database does meanwhile. Raises LostLease when it is not wanted any more.

        If the lease ran out, the task is taken back as long as nobody has settled the attempt.
        """
        names = {"task_id": self._task.id, "attempt_id": attempt.id}
        while not await patiently(lambda: write(item | names | {"fence": self._claim.fence})):
            await self._take_back(attempt)

    async def _take_back(self, attempt: TaskAttempt) -> None:
        lease, asked_at = self._settings.tasks.lease_seconds, asyncio.get_running_loop().time()
        wanted = (self._task.id, self._claim.fence, attempt.id, timedelta(seconds=lease))
        fence = await patiently(partial(queries.take_back, self._database, *wanted))
        if fence is None:
            raise LostLease
        log.info("taken_back", attempt_id=str(attempt.id), fence=fence)
        self._claim.fence, self._claim.kept_until = fence, asked_at + lease

    async def _accepted(self, attempt: TaskAttempt, reference: str, poll_after: float) -> bool:
        """The provider works on it: note its id and sleep. No worker is held meanwhile."""
        self._claim.has_result = True  # the id is all we have of what was bought
        return await self._wait(attempt, reference, poll_after)

    async def _wait(self, attempt: TaskAttempt, reference: str | None, seconds: float) -> bool:
        item = {"reference": reference, "seconds": failures.spread(seconds), "seen": attempt.callbacks}
        await self._record(attempt, self._recorder.wait, item)
        return False

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[tuple[AsyncSession, Task]]:
        """A transaction on the task as we hold it. Raises LostLease."""
        async with self._database.transaction() as session:
            task = await queries.lock_fenced(session, self._task.id, self._claim.fence)
            if task is None:
                raise LostLease
            yield session, task
        self._task = task

    async def _guarded(self, attempt: TaskAttempt, work: Callable[[], Awaitable[bool]]) -> bool:
        """Do it within the deadline, and turn each failure into what follows from it."""
        fault: ProviderError | None = None
        way = ways.of(self._task, attempt.position)
        try:
            async with asyncio.timeout(self._left()) as limit:
                is_to_go_on = await work()
        except TimeoutError:
            if not limit.expired():
                raise
            return await self._run_out_of_time()
        except ProviderError as failure:
            fault = failure
        except (LostLease, *UNREACHABLE):
            raise  # the attempt stays open, and the next claim finds out what became of it
        except Exception:
            log.exception("attempt_crashed", attempt_id=str(attempt.id))
            kind = Spoiled if self._claim.has_result else Transient
            fault = kind(ErrorCode.INTERNAL, "Something went wrong on our side.")
        await self._gates.note(self._task, way, fault)
        if fault is not None:
            is_to_go_on = await patiently(partial(self._after, attempt.id, fault))
        is_open = any(one.id == attempt.id and one.status in UNDECIDED for one in self._task.attempts)
        await self._gates.settle(self._task, way, is_open=is_open)
        return is_to_go_on

    async def _after(self, attempt_id: UUID, fault: ProviderError) -> bool:
        """What follows from a failure: wait and try again, another provider, the reconciler, or the end."""
        async with self._locked() as (session, task):
            attempt = next(one for one in task.attempts if one.id == attempt_id)
            if attempt.status not in UNDECIDED:
                raise LostLease  # a commit nobody heard of
            verdict = failures.judge(fault, task, attempt, self._settings, self._left(), self._now())
            return await transitions.follow(session, task, attempt, fault, verdict, self._now())

    async def _run_out_of_time(self) -> bool:
        if self._task.status == TaskStatus.RECONCILING:
            return await self._fail(ErrorCode.PROVIDER_TIMEOUT, "The provider never told whether it took the job.")
        return await self._fail(ErrorCode.DEADLINE_EXCEEDED, "The task did not finish in time.")

    async def _fail(self, code: ErrorCode, message: str) -> bool:
        async with self._locked() as (session, task):
            await transitions.fail(session, task, code, message, task.provider)
        return False
