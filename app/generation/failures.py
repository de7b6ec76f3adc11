"""What follows from a failed call: the policy of retries, failover and unknown outcomes."""

from dataclasses import dataclass
from datetime import datetime
from random import uniform

from app.core.settings import Settings
from app.generation.models import AttemptStatus, Task, TaskAttempt
from app.providers.base import ErrorCode, JobFailed, ProviderError, Rejected, Transient, Unknown

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0
LONGEST_POLL_SECONDS = 30.0
SHORTEST_POLL_SECONDS = 2.0

# With these another provider may do better; the rest would fail there too.
FAILOVER = frozenset(
    {ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.PROVIDER_TIMEOUT, ErrorCode.PROVIDER_QUOTA, ErrorCode.NO_ROUTE}
)


class Spoiled(ProviderError):
    """A provider we do not ask twice has answered, and its result cannot be used: it is not bought there again."""


@dataclass(frozen=True, slots=True)
class TryAgain:
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


Verdict = TryAgain | KeepPolling | NextProvider | Reconcile | GiveUp


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
        case Transient() if fault.code not in (ErrorCode.PROVIDER_QUOTA, ErrorCode.NO_ROUTE):
            tries = sum(_is_same_call(other, attempt) for other in task.attempts)
            if tries < settings.tasks.max_attempts:
                return TryAgain(min(fault.retry_after or _backoff(tries), LONGEST_DELAY_SECONDS))
    has_next = task.route_index + 1 < len(task.route)
    if has_next and (fault.code in FAILOVER or isinstance(fault, Spoiled | JobFailed)):
        return NextProvider()
    return GiveUp(fault.code, fault.message)


def _is_same_call(other: TaskAttempt, attempt: TaskAttempt) -> bool:
    """A try counts against the next ones, but not one that was stopped by ourselves."""
    return other.status != AttemptStatus.CANCELED and _call(other) == _call(attempt)


def _call(attempt: TaskAttempt) -> tuple[object, ...]:
    return attempt.run, attempt.position, attempt.part, attempt.provider, attempt.model


def _backoff(tries: int) -> float:
    """1, 2, 4 … seconds, spread by a quarter so that many do not return at once."""
    return FIRST_DELAY_SECONDS * 2.0 ** (tries - 1) * uniform(0.75, 1.25)  # noqa: S311


def spread(seconds: float) -> float:
    """Up to a tenth later, so that thousands who began together do not all return at once."""
    return seconds * uniform(1.0, 1.1)  # noqa: S311


def poll_delay(attempt: TaskAttempt, now: datetime) -> float:
    """A tenth of the time waited so far, between 2 and 30 seconds."""
    age = (now - attempt.started_at).total_seconds()
    return min(max(SHORTEST_POLL_SECONDS, age / 10), LONGEST_POLL_SECONDS)
