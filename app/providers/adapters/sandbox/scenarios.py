"""How the sandbox can misbehave: a table of scenarios, named `sandbox:<word>` as a model or inside a prompt.

docs/test-mode.md tells what a customer sees of each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.providers.base import ErrorCode, ProviderError, Rejected, Transient, Unknown, UnknownScenario

PREFIX = "sandbox"
LONGEST_SECONDS = 600
_NAMED = re.compile(rf"\b{PREFIX}:([a-z0-9-]+)")
_SLOW = re.compile(r"slow-(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Fault:
    """An error to be raised, anew each time."""

    kind: type[ProviderError]
    code: ErrorCode
    message: str
    retry_after: float | None = None

    def error(self) -> ProviderError:
        if self.kind is Transient:
            return Transient(self.code, self.message, retry_after=self.retry_after)
        return self.kind(self.code, self.message)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to behave. Times are seconds."""

    word: str = ""
    fault: Fault | None = None
    """What `submit` raises."""
    tries: int | None = None
    """Only so many tries of a call fail; None: all of them."""
    delay: float = 0.0
    """How long `submit` takes."""
    works: float | None = None
    """How long the job takes that is accepted; None: the answer comes at once."""
    is_late: bool = False
    """The job takes that much longer than a task may."""
    found_after: float | None = None
    """From when on `find` knows the job; None: from the start."""
    calls_back: tuple[float, ...] = ()
    """When, counted from the acceptance, the callback URL is called."""
    spoils: str = ""
    """What is wrong with the result."""
    polls_fail: bool = False

    @property
    def model(self) -> str:
        return f"{PREFIX}:{self.word}" if self.word else PREFIX


def _unavailable(status: str, retry_after: float | None = None) -> Fault:
    return Fault(Transient, ErrorCode.PROVIDER_UNAVAILABLE, f"The sandbox answered {status}.", retry_after)


def _timeout(kind: type[ProviderError]) -> Fault:
    return Fault(kind, ErrorCode.PROVIDER_TIMEOUT, "The sandbox did not answer in time.")


_ALL = (
    Scenario("fail-500", _unavailable("500")),
    Scenario("fail-503", _unavailable("503")),
    Scenario("fail-429", _unavailable("429: too many requests", retry_after=3)),
    Scenario("fail-once", _unavailable("503"), tries=1),
    Scenario("timeout-before-accept", _timeout(Transient), delay=1),
    Scenario("timeout-after-accept", _timeout(Unknown), delay=1, works=2, found_after=2),
    Scenario("timeout-lost", _timeout(Unknown), delay=1),
    Scenario("async", works=0),
    Scenario("slow", works=10),
    Scenario("reject", Fault(Rejected, ErrorCode.CONTENT_REJECTED, "The sandbox refuses this content.")),
    Scenario("invalid-image", Fault(Rejected, ErrorCode.INVALID_IMAGE, "The sandbox cannot read this image.")),
    Scenario("quota", Fault(Transient, ErrorCode.PROVIDER_QUOTA, "The sandbox's quota is used up.")),
    Scenario("truncated", spoils="truncated"),
    Scenario("expired-link", spoils="expired-link"),
    Scenario("wrong-type", spoils="wrong-type"),
    Scenario("empty", spoils="empty"),
    Scenario("fewer", spoils="fewer"),
    Scenario("late", works=5, is_late=True),
    Scenario("callback", works=3, calls_back=(3,)),
    Scenario("duplicate-callback", works=3, calls_back=(3, 3, 3.2)),
    Scenario("lying-callback", works=8, calls_back=(1, 2)),
    Scenario("poll-errors", works=6, polls_fail=True),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.word: scenario for scenario in _ALL}
_PLAIN = Scenario()


def of_model(model: str) -> Scenario:
    """The scenario a call's model names; the plain one for any other model. Raises UnknownScenario."""
    prefix, _, word = model.partition(":")
    if prefix != PREFIX or not word:
        return _PLAIN
    if slow := _SLOW.fullmatch(word):
        if 1 <= int(slow[1]) <= LONGEST_SECONDS:
            return replace(SCENARIOS["slow"], word=word, works=float(slow[1]))
    elif scenario := SCENARIOS.get(word):
        return scenario
    raise UnknownScenario(
        "model",
        f"The sandbox plays no {word!r}; there are {', '.join(SCENARIOS)} and slow-1 to slow-{LONGEST_SECONDS}.",
    )


def named_in(model: str, params: Mapping[str, Any]) -> Scenario | None:
    """The scenario named by the model of an order, or else in its prompt. Raises UnknownScenario."""
    if model.startswith(f"{PREFIX}:"):
        return of_model(model)
    found = _NAMED.search(params.get("prompt") or "")
    if found is None:
        return None
    try:
        return of_model(found[0])
    except UnknownScenario as unknown:
        raise UnknownScenario("prompt", unknown.message) from unknown
