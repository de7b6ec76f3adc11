"""What follows from a failed call: the policy of retries, failover and unknown outcomes."""

from dataclasses import dataclass
from datetime import datetime
from random import uniform

from app.core.settings import Settings
from app.generation.models import AttemptStatus, Task, TaskAttempt
from app.providers.base import Busy, ErrorCode, JobFailed, ProviderError, Rejected, Transient, Unknown

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0
LONGEST_POLL_SECONDS = 30.0
SHORTEST_POLL_SECONDS = 2.0
PATIENCE_SECONDS = 10.0
"""A call waits for its turn at a provider for so long before another provider is taken, where there is one."""

# With these another provider may do better; the rest would fail there too.
FAILOVER = frozenset(
    {ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.PROVIDER_TIMEOUT, ErrorCode.PROVIDER_QUOTA, ErrorCode.NO_ROUTE}
)


class Spoiled(ProviderError):
    """A provider we do not ask twice has answered, and its result cannot be used: it is not bought there again."""

    def __init__(self, code: ErrorCode, message: str, *, cost_microusd: int | None = None) -> None:
        super().__init__(code, message)
        self.cost_microusd = cost_microusd


@dataclass(frozen=True, slots=True)
class TryAgain:
    seconds: float


@dataclass(frozen=True, slots=True)
class AwaitTurn:
    """Others are before it. The wait is no try, and is not counted against the deadline."""

    seconds: float


@dataclass(frozen=True, slots=True)
class KeepPolling:
    """The poll failed, not the job."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NextProvider:
    pass


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Nobody knows whether it was accepted: ask again later, and never send it twice."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    code: ErrorCode
    message: str


Verdict = TryAgain | AwaitTurn | KeepPolling | NextProvider | Reconcile | GiveUp


def judge(
    fault: ProviderError, task: Task, attempt: TaskAttempt, settings: Settings, left: float, now: datetime
) -> Verdict:
    """What to do with `left` seconds to the deadline. The attempt is not marked yet: it counts as a try so far."""
    match fault:
        case Rejected():
            return GiveUp(fault.code, fault.message)
        case Unknown():
            return Reconcile(spread(min(poll_delay(attempt, now), max(left, 0))))
        case Transient() if attempt.status == AttemptStatus.ACCEPTED:
            return KeepPolling(spread(fault.retry_after or poll_delay(attempt, now)))
        case Busy():
            seconds = fault.retry_after or _backoff(_times_busy(task, attempt))
            if may_await_turn(task, seconds, settings, now):
                return AwaitTurn(spread(seconds))
            fault = Transient(ErrorCode.PROVIDER_UNAVAILABLE, fault.message)
        case Transient() if fault.code not in (ErrorCode.PROVIDER_QUOTA, ErrorCode.NO_ROUTE):
            tries = sum(_is_same_call(other, attempt) for other in task.attempts)
            if tries < settings.tasks.max_attempts:
                return TryAgain(min(fault.retry_after or _backoff(tries), LONGEST_DELAY_SECONDS))
    has_next = task.route_index + 1 < len(task.route)
    if has_next and (fault.code in FAILOVER or isinstance(fault, Spoiled | JobFailed)):
        return NextProvider()
    return GiveUp(fault.code, fault.message)


def may_await_turn(task: Task, seconds: float, settings: Settings, now: datetime) -> bool:
    """Whether it is worth so long a wait: not where another provider is to be had, nor for ever."""
    if seconds > PATIENCE_SECONDS and task.route_index + 1 < len(task.route):
        return False
    longest = settings.tasks.image_deadline_seconds + settings.tasks.turn_seconds
    return task.started_at is None or (now - task.started_at).total_seconds() + seconds < longest


def _is_same_call(other: TaskAttempt, attempt: TaskAttempt) -> bool:
    """A try counts against the next ones, but not one that was stopped by ourselves, or came too early."""
    counts = other.status != AttemptStatus.CANCELED and not _was_busy(other)
    return counts and _call(other) == _call(attempt)


def _times_busy(task: Task, attempt: TaskAttempt) -> int:
    return 1 + sum(_was_busy(other) and _call(other) == _call(attempt) for other in task.attempts)


def _was_busy(attempt: TaskAttempt) -> bool:
    return attempt.error is not None and attempt.error["code"] == ErrorCode.PROVIDER_BUSY


def _call(attempt: TaskAttempt) -> tuple[object, ...]:
    return attempt.run, attempt.position, attempt.part, attempt.provider, attempt.model


def _backoff(tries: int) -> float:
    """1, 2, 4 … seconds, spread by a quarter so that many do not return at once."""
    return min(FIRST_DELAY_SECONDS * 2.0 ** (tries - 1), LONGEST_DELAY_SECONDS) * uniform(0.75, 1.25)  # noqa: S311


def spread(seconds: float) -> float:
    """Up to a tenth later, so that thousands who began together do not all return at once."""
    return seconds * uniform(1.0, 1.1)  # noqa: S311


def poll_delay(attempt: TaskAttempt, now: datetime) -> float:
    """A tenth of the time waited so far, between 2 and 30 seconds."""
    age = (now - attempt.started_at).total_seconds()
    return min(max(SHORTEST_POLL_SECONDS, age / 10), LONGEST_POLL_SECONDS)
