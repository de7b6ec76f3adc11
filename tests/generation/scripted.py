"""A provider that plays a script, and an order that goes to it."""

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image

from app.providers.base import REMOTE, Accepted, Call, Done, Health, Offer, Output, ProviderError, Running
from app.providers.limits import Traffic

Line = Done | Accepted | Running | ProviderError | Callable[[], "Line"] | float | None


def png(color: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def done(count: int = 1) -> Done:
    return Done([Output(content=png()) for _ in range(count)], cost_microusd=40)


@dataclass
class Scripted:
    """Plays one line for each call: an outcome is returned, an error raised, a number slept before the next line."""

    name: str = "scripted"
    script: list[Line] = field(default_factory=list)
    is_repeatable: bool = False
    lane: str = REMOTE
    traffic: Traffic = field(default_factory=Traffic)
    keeps_form: bool = True
    found: list[Line] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    polls: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    sells: list[Offer] = field(
        default_factory=lambda: [Offer("upscale", "one", "One"), Offer("replace_background", "one", "One")]
    )

    @property
    def offers(self) -> Sequence[Offer]:
        return self.sells

    async def _play(self, script: list[Line]) -> Line:
        line = script.pop(0)
        while isinstance(line, float | int):
            await asyncio.sleep(line)
            line = script.pop(0)
        if callable(line):
            line = line()
        if isinstance(line, ProviderError):
            raise line
        return line

    async def submit(self, call: Call) -> Done | Accepted:
        self.calls.append(call)
        return await self._play(self.script)  # type: ignore[return-value]

    async def poll(self, reference: str) -> Done | Running:
        self.polls.append(reference)
        return await self._play(self.script)  # type: ignore[return-value]

    async def find(self, reference: str, model: str) -> Done | Accepted | None:
        self.asked.append(reference)
        return await self._play(self.found) if self.found else None  # type: ignore[return-value]

    async def cancel(self, reference: str) -> None:
        self.canceled.append(reference)

    async def probe(self) -> Health:
        return Health(True)

    async def close(self) -> None:
        pass
