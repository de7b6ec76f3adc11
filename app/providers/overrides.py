"""What an operator wants otherwise than a provider's own rows have it, and the offers that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from typing import Any

from pydantic import ValidationError

from app.providers.base import Offer
from app.providers.limits import Traffic
from app.providers.model_rows import MICRO, ModelRow, Work
from app.providers.values import OneOf, Values

ALL = "*"
"""In place of an operation: whatever the model does."""


@dataclass(frozen=True, slots=True)
class Override:
    """A row of `provider_models`: merged into the model's own (RFC 7396), that of one operation after that of all."""

    name: str
    operation: str = ALL
    row: Mapping[str, Any] = field(default_factory=dict)
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Changes:
    """All that is otherwise, of all providers. `offers` are whole lists, of those of which anything is.

    `withdrawn` are (provider, operation, model) sold no more, `closed` providers that sell nothing.
    """

    offers: Mapping[str, Sequence[Offer]] = field(default_factory=dict)
    withdrawn: frozenset[tuple[str, str, str]] = frozenset()
    closed: frozenset[str] = frozenset()
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    aliases: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


def merged(row: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396: tables are merged, all else is replaced, and null takes a value away."""
    result = dict(row)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            below = result.get(name)
            result[name] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def row_of(offer: Offer) -> dict[str, Any]:
    """The row that makes this offer."""
    row: dict[str, Any] = {
        "name": offer.model,
        "title": offer.title,
        "path": offer.path,
        "values": {name: _written(values) for name, values in offer.values.items()},
        "scales": dict(offer.scales),
        "words": {name: dict(words) for name, words in offer.words.items()},
        "constants": dict(offer.constants),
        "limits": asdict(offer.limits),
        "max_outputs": offer.max_outputs,
        "seconds": offer.seconds,
        "quality": offer.quality,
        "aliases": offer.aliases,
    }
    if offer.parameters is not None:
        row["parameters"] = dict(offer.parameters)
    if offer.cost_microusd is not None:
        row["cost_usd"] = offer.cost_microusd / MICRO
    if offer.microcredits is not None:
        row["credits"] = offer.microcredits / MICRO
    return row


def _written(values: Values) -> Any:
    if isinstance(values, OneOf):
        return list(values.values)
    return {bound: value for bound, value in asdict(values).items() if value is not None}


def offers_of(own: Sequence[Offer], name: str, overrides: Sequence[Override]) -> list[Offer]:
    """What the model of that name is offered as. Raises ValidationError naming the field that cannot be."""
    mine = [offer for offer in own if offer.model == name]
    said = {override.operation: override.row for override in overrides if override.name == name}
    everywhere = said.pop(ALL, {})
    operations = everywhere.get("operations")
    if operations is None:
        operations = [offer.operation for offer in mine] or list(said)
    if not operations:
        ModelRow.model_validate({"name": name, **everywhere})  # all that is wrong, not only this
    wanted = dict.fromkeys([*Work.model_validate({"operations": operations}).operations, *said])
    return [_offer(mine, name, operation, [everywhere, said.get(operation, {})]) for operation in wanted]


def _offer(mine: Sequence[Offer], name: str, operation: str, patches: Sequence[Mapping[str, Any]]) -> Offer:
    same = next((offer for offer in mine if offer.operation == operation), None)
    base = same or next(iter(mine), None)
    wanted = reduce(merged, patches, {} if base is None else row_of(base))
    [offer] = ModelRow.model_validate(wanted | {"name": name, "operations": [operation]}).offers()
    if base is None:
        return offer
    return replace(
        offer,
        steps=same.steps if same is not None else offer.steps,
        parameters=offer.parameters if "parameters" in wanted else None,
        microcredits=offer.microcredits if "credits" in wanted else None,
    )


def apply(
    own: Sequence[Offer], overrides: Sequence[Override], former: Sequence[Offer]
) -> tuple[list[Offer], dict[str, ValidationError]]:
    """The offers of a provider in their order, new ones last; and by model's name what was wrong with its row.

    A model whose row is wrong stays as it is among the `former` offers.
    """
    names = dict.fromkeys([*(offer.model for offer in own), *(override.name for override in overrides)])
    changed = {override.name for override in overrides}
    offers: list[Offer] = []
    faults = {}
    for name in names:
        if name not in changed:
            offers += [offer for offer in own if offer.model == name]
            continue
        try:
            offers += offers_of(own, name, overrides)
        except ValidationError as fault:
            faults[name] = fault
            offers += [offer for offer in former if offer.model == name]
    return offers, faults


def withdrawn(offers: Sequence[Offer], overrides: Sequence[Override]) -> list[tuple[str, str]]:
    """Operation and model of those that are off."""
    off = {(override.name, override.operation) for override in overrides if not override.is_enabled}
    return [
        (offer.operation, offer.model) for offer in offers if off & {(offer.model, ALL), (offer.model, offer.operation)}
    ]
