"""What stands between a task and a vendor: the breaker of the model, and the vendor's own limits."""

from dataclasses import dataclass

from app.generation.breakers import Breakers
from app.generation.models import Task
from app.generation.turns import Turns
from app.providers.base import REMOTE, ProviderError
from app.providers.catalog import Catalog


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

    async def enter(self, task: Task) -> Hold | None:
        """None when the provider chosen now may be called; then `note` and `settle` are told of its end."""
        if not _is_vendors(task):
            return None
        provider, ticket = _provider(task), str(task.id)
        traffic = self.catalog.traffic(provider)
        if seconds := await self.turns.enter(provider, ticket, traffic):
            return Hold(seconds, is_turn=True)
        if seconds := await self.breakers.wait(_model(task)):
            await self.turns.leave(provider, ticket, traffic)
            return Hold(seconds, is_turn=False)
        return None

    async def note(self, task: Task, fault: ProviderError | None) -> None:
        """How the call to the provider chosen now went."""
        if _is_vendors(task):
            await self.breakers.note(_model(task), fault)

    async def settle(self, task: Task, provider: str, *, is_open: bool) -> None:
        """Whether that provider still works for the task; it may be another than the one chosen now."""
        settle = self.turns.keep if is_open else self.turns.leave
        await settle(provider, str(task.id), self.catalog.traffic(provider))


def _is_vendors(task: Task) -> bool:
    return task.mode == "live" and task.route[task.route_index].get("lane", REMOTE) == REMOTE


def _provider(task: Task) -> str:
    provider: str = task.route[task.route_index]["provider"]
    return provider


def _model(task: Task) -> str:
    return f"{_provider(task)}/{task.route[task.route_index]['model']}"
