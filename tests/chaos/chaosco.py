"""The adapter of the vendor of the chaos suite: a provider plug-in as anybody would write it.

The suite copies this module into a package of its own, with an entry point of the group `backlot.providers`.
"""

import base64
import os
from collections.abc import Sequence
from typing import Any

import httpx

from app.core.settings import Settings
from app.providers.base import (
    REMOTE,
    Accepted,
    Call,
    Done,
    ErrorCode,
    Health,
    Offer,
    Output,
    ProviderError,
    Rejected,
    Running,
    Transient,
    Unknown,
)

MODELS = ("now-findable", "now-blind", "later-findable", "later-blind")
OPERATIONS = ("upscale", "text_to_image")
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Chaosco:
    """Answers now or later; jobs of the blind models cannot be looked up by our reference."""

    name = "chaosco"
    is_repeatable = False
    lane = REMOTE
    keeps_form = True  # whose picture it is is told by its size too
    offers: Sequence[Offer] = tuple(
        Offer(operation, model, f"Chaos, {model}", seconds=1.0) for operation in OPERATIONS for model in MODELS
    )

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.AsyncClient(base_url=os.environ["CHAOSCO_URL"], timeout=3)

    async def submit(self, call: Call) -> Done | Accepted:
        body = {
            "reference": call.reference,
            "operation": call.operation,
            "model": call.model,
            "params": dict(call.params),
            "files": {role: base64.b64encode(content).decode() for role, content in call.files.items()},
            "callback_url": call.callback_url,
        }

        async def trace(event: str, _: object) -> None:
            if event.endswith("send_request_body.started"):  # without its body the request is none
                call.about_to_send()

        extensions = {"trace": trace}
        answer = await self._ask("POST", "/jobs", json=body, timeout=call.timeout_seconds, extensions=extensions)
        match answer.status_code:
            case 200:
                return _done(answer.json())
            case 202:
                return Accepted(answer.json()["job"], poll_after=answer.json()["poll_after"])
            case 422:
                raise Rejected(ErrorCode.CONTENT_REJECTED, "The vendor refuses this picture.")
            case 504:
                raise Unknown(ErrorCode.PROVIDER_TIMEOUT, "The vendor's gateway gave up waiting.")
            case status:
                wait = float(answer.headers["retry-after"]) if "retry-after" in answer.headers else None
                raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, f"The vendor answered {status}.", retry_after=wait)

    async def poll(self, reference: str) -> Done | Running:
        answer = await self._ask("GET", f"/jobs/{reference}")
        if answer.status_code != 200:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, f"The vendor answered {answer.status_code}.")
        job = answer.json()
        match job["status"]:
            case "running":
                return Running(progress=0.5, poll_after=job["poll_after"])
            case "failed":
                raise Rejected(ErrorCode.PROVIDER_REJECTED, "The vendor could not do it.")
        return _done(job)

    async def find(self, reference: str, model: str) -> Done | Accepted | None:
        if model.endswith("blind"):
            return None
        try:
            answer = await self._ask("GET", "/jobs", params={"reference": reference})
        except ProviderError as fault:
            raise Unknown(fault.code, fault.message) from fault
        match answer.status_code:
            case 200:
                return Accepted(answer.json()["job"], poll_after=0)
            case 404:
                raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The vendor never took the call.")
        raise Unknown(ErrorCode.PROVIDER_TIMEOUT, "The vendor cannot say yet.")

    async def cancel(self, reference: str) -> None:
        await self._ask("POST", f"/jobs/{reference}/cancel")

    async def probe(self) -> Health:
        return Health(is_healthy=True)

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **options)
        except NEVER_SENT as fault:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The vendor cannot be reached.") from fault
        except httpx.HTTPError as fault:
            raise Unknown(ErrorCode.PROVIDER_TIMEOUT, "The vendor did not answer.") from fault


def _done(job: dict[str, Any]) -> Done:
    outputs = [
        Output(content=base64.b64decode(output["content"]), content_type="image/png")
        if "content" in output
        else Output(url=output["url"], content_type="image/png")
        for output in job["outputs"]
    ]
    return Done(outputs, cost_microusd=40)
