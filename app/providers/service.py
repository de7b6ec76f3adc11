"""What an operator changes at run time: models, aliases, limits. Processes follow within seconds (`board.py`)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.providers import overrides, queries
from app.providers.base import Offer
from app.providers.models import ProviderModel
from app.providers.overrides import ALL, Override


async def list_overrides(session: AsyncSession, provider: str) -> list[Override]:
    return [_override(row) for row in await queries.list_models(session, provider)]


async def set_model(
    session: AsyncSession, provider: str, own: Sequence[Offer], name: str, operation: str, said: Mapping[str, Any]
) -> list[Offer]:
    """Say this of the model, beside what was said before; what it is offered as then.

    `own` are the offers of the provider's own rows. Raises pydantic.ValidationError naming the field that cannot be.
    """
    before = await list_overrides(session, provider)
    same = next((one for one in before if (one.name, one.operation) == (name, operation)), Override(name, operation))
    changed = Override(name, operation, _joined(same.row, said), same.is_enabled)
    offers = overrides.offers_of(own, name, [*(one for one in before if one is not same), changed])
    await queries.put_model(session, provider, name, operation, row=dict(changed.row))
    return offers


async def switch_model(
    session: AsyncSession, provider: str, own: Sequence[Offer], name: str, operation: str, *, is_enabled: bool
) -> None:
    """Sell the model, or sell it no more. Raises LookupError naming those there are."""
    before = await list_overrides(session, provider)
    offers, _ = overrides.apply(own, before, own)
    known = {offer.model for offer in offers} | {one.name for one in before}
    if name not in known:
        raise LookupError(f"{provider} has no model {name!r}; there are {', '.join(sorted(known)) or 'none'}")
    does = {offer.operation for offer in offers if offer.model == name}
    if operation not in (ALL, *does):
        raise LookupError(f"{provider}'s {name} does not do {operation!r}; it does {', '.join(sorted(does))}")
    await queries.put_model(session, provider, name, operation, is_enabled=is_enabled)
    if operation == ALL:  # said of the whole it holds for the whole
        for one in before:
            if one.name == name and one.operation != ALL:
                await queries.put_model(session, provider, name, one.operation, is_enabled=is_enabled)


async def reset_model(session: AsyncSession, provider: str, name: str, operation: str | None) -> list[Override]:
    """Forget what was said of it, of all it does or of one operation; what that was. Raises LookupError."""
    said = [one for one in await list_overrides(session, provider) if one.name == name]
    gone = [one for one in said if operation in (None, one.operation)]
    if not gone:
        raise LookupError(f"nothing was said of {provider}'s {name}")
    await queries.remove_model(session, provider, name, operation)
    return gone


async def set_alias(
    session: AsyncSession, alias: str, ways: Sequence[tuple[str, str]], known: Iterable[tuple[str, str]]
) -> None:
    """Have the name stand for these providers and models, in this order; for none: what it stands for without.

    Raises LookupError naming the first that is not `known`, or comes twice.
    """
    there = set(known)
    for place, way in enumerate(ways):
        if way not in there:
            models = ", ".join(sorted(f"{provider}/{model}" for provider, model in there if provider == way[0]))
            raise LookupError(f"there is no {'/'.join(way)}; there are {models or 'no models of that provider'}")
        if way in ways[:place]:
            raise LookupError(f"{'/'.join(way)} comes twice")
    await queries.put_alias(session, alias, ways)


async def set_limits(session: AsyncSession, provider: str, **limits: int | None) -> None:
    """`requests_per_minute`, `jobs_at_once`; None: as the provider's file says."""
    await queries.put_setting(session, provider, **limits)


async def switch_provider(session: AsyncSession, provider: str, *, is_enabled: bool) -> None:
    await queries.put_setting(session, provider, is_enabled=is_enabled)


def _override(row: ProviderModel) -> Override:
    return Override(row.name, row.operation, row.row, row.is_enabled)


def _joined(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """One patch that does what the two do one after the other."""
    result = dict(before)
    for name, value in said.items():
        earlier = result.get(name)
        both = isinstance(value, Mapping) and isinstance(earlier, Mapping)
        result[name] = _joined(earlier, value) if both else value  # type: ignore[arg-type]
    return result
