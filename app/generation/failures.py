"""What follows from a failed call: the policy of retries, failover and unknown outcomes."""

from dataclasses import dataclass
from random import uniform

from app.core import clock
from app.core.settings import Settings
from app.generation.models import AttemptStatus, Task, TaskAttempt
from app.providers.base import ErrorCode, ProviderError, Rejected, Transient, Unknown

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0
LONGEST_POLL_SECONDS = 30.0
RECONCILE_EVERY_SECONDS = 15.0

# With these another provider may do better; the rest would fail there too.
FAILOVER = frozenset(
    {ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.PROVIDER_TIMEOUT, ErrorCode.PROVIDER_QUOTA, ErrorCode.NO_ROUTE}
)


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


def judge(fault: ProviderError, task: Task, attempt: TaskAttempt, settings: Settings, left: float) -> Verdict:
    """What to do with `left` seconds to the deadline. The attempt is not marked yet: it counts as a try so far."""
    match fault:
        case Rejected():
            return GiveUp(fault.code, fault.message)
        case Unknown():
            if left > RECONCILE_EVERY_SECONDS:
                return Reconcile(RECONCILE_EVERY_SECONDS)
            return GiveUp(fault.code, fault.message)
        case Transient() if attempt.status == AttemptStatus.ACCEPTED:
            return KeepPolling(fault.retry_after or poll_delay(attempt))
    tries = sum(
        other.run == task.run
        and other.status != AttemptStatus.CANCELED
        and other.position == attempt.position
        and (other.provider, other.model) == (attempt.provider, attempt.model)
        for other in task.attempts
    )
    is_hopeless = fault.code in (ErrorCode.PROVIDER_QUOTA, ErrorCode.NO_ROUTE)
    if tries < settings.tasks.max_attempts and not is_hopeless:
        retry_after = fault.retry_after if isinstance(fault, Transient) else None
        return TryAgain(min(retry_after or _backoff(tries), LONGEST_DELAY_SECONDS))
    if fault.code in FAILOVER and task.route_index + 1 < len(task.route):
        return NextProvider()
    return GiveUp(fault.code, fault.message)


def _backoff(tries: int) -> float:
    """1, 2, 4 … seconds, spread by a quarter so that many do not return at once."""
    return FIRST_DELAY_SECONDS * 2.0 ** (tries - 1) * uniform(0.75, 1.25)  # noqa: S311


def poll_delay(attempt: TaskAttempt) -> float:
    """A tenth of the time waited so far, between 2 and 30 seconds."""
    age = (clock.now() - attempt.started_at).total_seconds()
    return min(max(2.0, age / 10), LONGEST_POLL_SECONDS)
