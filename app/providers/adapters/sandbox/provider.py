"""The sandbox as its caller sees it: every answer is computed from the call, the reference and the clock."""

from asyncio import sleep
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.core import clock
from app.core.ids import decode
from app.core.settings import Settings
from app.providers.adapters.sandbox import scenarios
from app.providers.adapters.sandbox.callbacks import Callbacks
from app.providers.adapters.sandbox.jobs import Job
from app.providers.adapters.sandbox.scenarios import PREFIX, Scenario
from app.providers.base import (
    REMOTE,
    Accepted,
    Call,
    Done,
    ErrorCode,
    Health,
    Offer,
    Rejected,
    Running,
    Transient,
    Unknown,
)

_OFFERS = (
    Offer("remove_background", PREFIX, "Rehearsal cut-out", seconds=0.1, max_outputs=1),
    Offer(
        "replace_background",
        PREFIX,
        "Rehearsal studio set",
        steps=("remove_background", "background", "composite"),
        seconds=0.3,
    ),
    Offer("text_to_image", PREFIX, "Rehearsal picture", seconds=0.1),
    Offer("image_to_image", PREFIX, "Rehearsal variation", seconds=0.1),
    Offer("inpaint", PREFIX, "Rehearsal retouching", seconds=0.1),
    Offer("outpaint", PREFIX, "Rehearsal extension", seconds=0.1),
    Offer("edit_image", PREFIX, "Rehearsal edit", seconds=0.1),
    Offer("transform_image", PREFIX, "Rehearsal transform", seconds=0.1, max_outputs=1),
    Offer("upscale", PREFIX, "Rehearsal upscale", seconds=0.1, max_outputs=1),
)
_STEPS = frozenset(step for offer in _OFFERS for step in offer.steps)
_POLL_SECONDS = 1.0
_POLL_WHEN_CALLED_BACK_SECONDS = 15.0
_FAILING_POLLS_SECONDS = 3.0


class Sandbox:
    """Treated as any vendor: not repeatable, so that a lost answer is asked for and never sent twice unasked."""

    name = PREFIX
    offers: Sequence[Offer] = _OFFERS
    is_repeatable = False
    lane = REMOTE
    keeps_form = True

    def __init__(self, settings: Settings) -> None:
        self._task_seconds = settings.tasks.image_deadline_seconds
        self._callbacks = Callbacks()

    def rehearse(self, offer: Offer, model: str, params: Mapping[str, Any]) -> Offer | None:
        scenario = scenarios.named_in(model, params)
        if scenario is None:
            return None
        return replace(offer, model=scenario.model, seconds=offer.seconds + self._seconds(scenario))

    async def submit(self, call: Call) -> Done | Accepted:
        if call.operation not in _STEPS:
            raise Rejected(ErrorCode.PROVIDER_REJECTED, f"The sandbox cannot do {call.operation}.")
        scenario = scenarios.of_model(call.model)
        if scenario.delay:
            await sleep(scenario.delay)
        if scenario.fault is not None and (scenario.tries is None or call.attempt <= scenario.tries):
            raise scenario.fault.error()
        job = Job.of_call(call, scenario)
        if scenario.works is None:
            return job.result()
        job = replace(job, accepted_at=_now(), seconds=self._seconds(scenario))
        is_called_back = bool(scenario.calls_back and call.callback_url)
        if call.callback_url is not None:
            self._callbacks.plan(call.callback_url, scenario.calls_back)
        return Accepted(job.reference, _POLL_WHEN_CALLED_BACK_SECONDS if is_called_back else _POLL_SECONDS)

    async def poll(self, reference: str) -> Done | Running:
        job = Job.parse(reference)
        elapsed = _now() - job.accepted_at
        if job.scenario.polls_fail and elapsed // _FAILING_POLLS_SECONDS % 2:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The sandbox answered 503.")
        if elapsed >= job.seconds:
            return job.result()
        return Running(round(max(elapsed, 0) / job.seconds, 3))

    async def find(self, reference: str, model: str) -> Done | Accepted | None:
        """What came of the call, by the time in its reference: jobs are found, answers given at once are not kept."""
        scenario = scenarios.of_model(model)
        made_at = (decode("att", reference).int >> 80) / 1000
        if scenario.works is not None:
            if scenario.found_after is not None and _now() < made_at + scenario.found_after:
                return None
            job = Job.found(scenario, reference, made_at, self._seconds(scenario))
            return Accepted(job.reference, max(0.1, made_at + job.seconds - _now()))
        if scenario.fault is not None and scenario.fault.kind is Unknown:
            return None
        raise Transient(ErrorCode.INTERNAL, "The sandbox has no trace of the call: it is sent again.")

    async def cancel(self, reference: str) -> None:
        """A job is a few numbers in its reference: there is nothing to stop."""

    async def probe(self) -> Health:
        return Health(is_healthy=True)

    async def close(self) -> None:
        await self._callbacks.close()

    def _seconds(self, scenario: Scenario) -> float:
        return (scenario.works or 0.0) + (self._task_seconds if scenario.is_late else 0.0)


def _now() -> float:
    return clock.now().timestamp()
