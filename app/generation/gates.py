"""What stands between a task and a vendor: the breaker of the model, and the vendor's own limits."""

from dataclasses import dataclass

from app.generation.breakers import Breakers
from app.generation.models import Task
from app.generation.turns import Turns
from app.providers.base import REMOTE, ProviderError
from app.providers.catalog import Catalog, Part


@dataclass(frozen=True, slots=True)
class Hold:
    """A call that may not be made yet. `is_turn` when nothing is wrong: there are just others before it."""

    seconds: float
    is_turn: bool


@dataclass(frozen=True, slots=True)
class Gates:
    """One per process. What we do ourselves, and what is rehearsed, passes."""

    catalog: Catalog
    breakers: Breakers
    turns: Turns

    async def enter(self, task: Task, part: Part) -> Hold | None:
        """None when the call may be made; then `note` and `settle` are told of its end."""
        if not _is_vendors(task, part):
            return None
        ticket, traffic = str(task.id), self.catalog.traffic(part.provider)
        if seconds := await self.turns.enter(part.provider, ticket, traffic):
            return Hold(seconds, is_turn=True)
        if seconds := await self.breakers.wait(_name(part)):
            await self.turns.leave(part.provider, ticket, traffic)
            return Hold(seconds, is_turn=False)
        return None

    async def note(self, task: Task, part: Part, fault: ProviderError | None) -> None:
        """How the call went."""
        if _is_vendors(task, part):
            await self.breakers.note(_name(part), fault)

    async def settle(self, task: Task, part: Part, *, is_open: bool) -> None:
        """Whether the provider still works for the task."""
        if _is_vendors(task, part):
            settle = self.turns.keep if is_open else self.turns.leave
            await settle(part.provider, str(task.id), self.catalog.traffic(part.provider))


def _is_vendors(task: Task, part: Part) -> bool:
    return task.mode == "live" and part.lane == REMOTE


def _name(part: Part) -> str:
    return f"{part.provider}/{part.model}"
