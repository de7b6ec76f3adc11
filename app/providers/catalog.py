"""Who offers what: the offers of all enabled providers, in the order they are to be tried.

They are the providers' own rows, and what an operator has changed of them at run time (`overrides.py`, `board.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.core.settings import Settings
from app.providers import registry
from app.providers.base import Offer, Provider, Rehearses
from app.providers.keys import KeyRing
from app.providers.limits import Limits, Traffic
from app.providers.overrides import Changes

SANDBOX = "sandbox"
IN_HOUSE = "local"
STUDIO = "replace_background"


@dataclass(frozen=True, slots=True)
class Part:
    """Who makes the calls of one step of a route, and what they are asked for."""

    provider: str
    model: str
    lane: str
    operation: str
    most: int


@dataclass(frozen=True, slots=True)
class Route:
    """One way to do an operation. `parts` are its steps where others do some of them; `lane` is that of the first."""

    provider: str
    lane: str
    offer: Offer
    parts: tuple[Part, ...] = ()


class Catalog:
    """The enabled providers and their offers.

    Two are always there: `sandbox`, which serves test keys alone, and `local`, which does parts of what others sell.
    One per process, shared by all in it. What changes is one immutable value, replaced at once: nobody sees a half.
    """

    def __init__(self, providers: Mapping[str, Provider], live: Sequence[str]) -> None:
        self.providers = providers
        self._live = tuple(live)
        self._changes = Changes()

    @classmethod
    def load(cls, settings: Settings) -> "Catalog":
        """Raises UnknownProvider or BrokenProvider."""
        live = [name for name in settings.providers.enabled if name != SANDBOX]
        return cls(registry.load(settings, dict.fromkeys([*live, IN_HOUSE, SANDBOX])), live)

    def change(self, changes: Changes) -> None:
        """From now on these, instead of those before."""
        self._changes = changes

    @property
    def live(self) -> tuple[str, ...]:
        """The providers that work for live keys, first choice first."""
        return tuple(name for name in self._live if name not in self._changes.closed)

    def offers(self, provider: str) -> Sequence[Offer]:
        """All the provider's, those that are off too."""
        changed = self._changes.offers.get(provider)
        return self.providers[provider].offers if changed is None else changed

    def is_sold(self, provider: str, offer: Offer) -> bool:
        return (provider, offer.operation, offer.model) not in self._changes.withdrawn

    def alias(self, name: str) -> Sequence[tuple[str, str]]:
        """The providers and models an operator has a name stand for, first choice first; empty where it is no alias."""
        return self._changes.aliases.get(name, ())

    def aliases_of(self, provider: str, offer: Offer) -> list[str]:
        """The other names orders may use for it."""
        said = self._changes.aliases
        ours = [name for name, ways in said.items() if (provider, offer.model) in ways]
        return list(dict.fromkeys([*(name for name in offer.aliases if name not in said), *ours]))

    def routes(self, operation: str, *, mode: str, is_in_house: bool = False) -> list[Route]:
        """Every way to do the operation, first choice first; empty when nobody offers it."""
        if mode != "live" and not is_in_house:
            return list(self._routes(operation, (SANDBOX,)))
        found = list(self._routes(operation, self._house if is_in_house else self.live))
        return [*found, *self._studio_sets(found)] if operation == STUDIO else found

    @property
    def _house(self) -> tuple[str, ...]:
        """For what is never bought: whoever is enabled, and ourselves in any case, unless we were switched off."""
        is_there = IN_HOUSE in self.providers and IN_HOUSE not in self._changes.closed
        return tuple(dict.fromkeys([*self.live, *([IN_HOUSE] if is_there else [])]))

    def _studio_sets(self, found: Sequence[Route]) -> Iterator[Route]:
        """Backgrounds by the models that make pictures from words, of providers that do not do it all by themselves.

        Cut-out and composite are done in-house.
        """
        house = self.providers.get(IN_HOUSE)
        studio = next((one for one in self.offers(IN_HOUSE) if one.operation == STUDIO), None) if house else None
        if house is None or studio is None:
            return
        native = {route.provider for route in found}
        for route in self._routes("text_to_image", self.live):
            offer = route.offer
            if route.provider in native:
                continue
            ours = [Part(IN_HOUSE, studio.model, house.lane, step, studio.max_outputs) for step in studio.steps]
            ours[1] = Part(route.provider, offer.model, route.lane, offer.operation, offer.max_outputs)
            combined = replace(
                offer,
                operation=STUDIO,
                steps=studio.steps,
                seconds=offer.seconds + studio.seconds,
                limits=Limits(),
                parameters=None if offer.parameters is None else {**offer.parameters, "shadow": "shadow"},
                values={name: values for name, values in offer.values.items() if name != "output_format"},
            )
            yield Route(route.provider, house.lane, combined, tuple(ours))

    def rehearsal(self, operation: str, model: str, params: Mapping[str, Any]) -> list[Route]:
        """How the sandbox plays the scenario the order names; empty where it names none. Raises UnknownScenario."""
        sandbox = self.providers.get(SANDBOX)
        if not isinstance(sandbox, Rehearses):
            return []
        return [
            Route(route.provider, route.lane, played)
            for route in self._routes(operation, (SANDBOX,))
            if (played := sandbox.rehearse(route.offer, model, params)) is not None
        ]

    def find(self, provider: str, operation: str, model: str) -> Offer | None:
        """The offer as it is now, also of what is off: what was ordered is finished. None where nobody knows it."""
        offers = self.offers(provider) if provider in self.providers else ()
        return next((offer for offer in offers if (offer.operation, offer.model) == (operation, model)), None)

    def needs(self, provider: str) -> str | None:
        """What has to be set before the provider can be used; None when all is there."""
        needed: str | None = getattr(self.providers.get(provider), "needs", None)
        return needed

    def traffic(self, provider: str) -> Traffic:
        """How much it may be asked for now."""
        own: Traffic = getattr(self.providers.get(provider), "traffic", None) or Traffic()
        return self._changes.traffic.get(provider, own)

    def rings(self) -> dict[str, KeyRing]:
        """The keys of those that have some."""
        rings = {name: getattr(provider, "keys", None) for name, provider in self.providers.items()}
        return {name: ring for name, ring in rings.items() if isinstance(ring, KeyRing)}

    def first_prices(self) -> dict[tuple[str, str, str], int]:
        """Millionths of a credit by (operation, provider, model), of the offers that name a price."""
        sold = [(name, offer) for name in self.providers for offer in self.offers(name)]
        sold += [(route.provider, route.offer) for route in self.routes(STUDIO, mode="live")]
        return {
            (offer.operation, name, offer.model): offer.microcredits
            for name, offer in sold
            if offer.microcredits is not None
        }

    def _routes(self, operation: str, names: Sequence[str]) -> Iterator[Route]:
        for name in names:
            for offer in self.offers(name):
                if offer.operation == operation and self.is_sold(name, offer):
                    yield Route(name, self.providers[name].lane, offer)

    async def close(self) -> None:
        for provider in self.providers.values():
            await provider.close()
