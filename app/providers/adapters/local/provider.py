"""Image work on our own CPU: no vendor, no cost, no network.

This module stays light; what is heavy is imported by the child processes alone.
"""

from collections.abc import Sequence

from app.core.processes import ProcessDied, ProcessFailed, ProcessPool, ProcessTimedOut, WorkRefused
from app.core.settings import Settings
from app.providers.adapters.local import models, work
from app.providers.base import (
    Accepted,
    Call,
    Done,
    ErrorCode,
    Health,
    Offer,
    Output,
    Rejected,
    Running,
    Transient,
)

_OFFERS = (
    Offer("remove_background", "u2netp", "Cut-out on this server", seconds=1.5, max_outputs=1),
    Offer(
        "replace_background",
        "studio",
        "Studio set on this server",
        steps=("remove_background", "background", "composite"),
        seconds=3.5,
    ),
    Offer("transform_image", "vips", "Crop, size, turn and tone on this server", seconds=0.3, max_outputs=1),
    Offer("upscale", "realesrgan", "Real-ESRGAN on this server", seconds=7.0, max_outputs=1),
)
_STEPS = frozenset(step for offer in _OFFERS for step in offer.steps)


class Local:
    """The provider that is always there."""

    name = "local"
    offers: Sequence[Offer] = _OFFERS
    is_repeatable = True
    lane = "local"

    def __init__(self, settings: Settings) -> None:
        self._pool = ProcessPool(
            size=settings.worker.image_processes,
            memory_bytes=settings.worker.image_memory_bytes,
            idle_seconds=settings.worker.image_idle_seconds,
        )

    async def submit(self, call: Call) -> Done:
        if call.operation not in _STEPS:
            raise Rejected(ErrorCode.PROVIDER_REJECTED, f"This server cannot do {call.operation}.")
        try:
            outputs = await self._pool.run(
                work.perform,
                call.operation,
                dict(call.params),
                dict(call.files),
                timeout=call.timeout_seconds,
            )
        except WorkRefused as refusal:
            raise Rejected(ErrorCode.INVALID_IMAGE, refusal.detail) from refusal
        except ProcessTimedOut as error:
            raise Transient(ErrorCode.PROVIDER_TIMEOUT, "The image work took too long.") from error
        except (ProcessDied, ProcessFailed) as error:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The image work broke off.") from error
        return Done([Output(**output) for output in outputs], cost_microusd=0)

    async def poll(self, reference: str) -> Running:
        raise Rejected(ErrorCode.PROVIDER_REJECTED, "Nothing is ever pending here.")

    async def find(self, reference: str, model: str) -> Done | Accepted | None:
        return None

    async def cancel(self, reference: str) -> None:
        """Cancelling the submit ends the work."""

    async def probe(self) -> Health:
        try:
            models.u2netp()
        except models.MissingModel as missing:
            return Health(is_healthy=False, detail=str(missing))
        return Health(is_healthy=True)

    async def close(self) -> None:
        await self._pool.close()
