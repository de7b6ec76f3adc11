"""Commands on models: what is sold, by which rows and names, and what is earned by it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.context import CommandFailed, opened, settings_with_database, transaction

if TYPE_CHECKING:
    from app.core.settings import Settings
    from app.providers.base import Offer
    from app.providers.overrides import Override

Provider = Annotated[str, typer.Argument(help="Its name, as in BACKLOT_PROVIDERS_ENABLED.")]
Name = Annotated[str, typer.Argument(help="The model, as orders name it.")]
Operation = Annotated[str | None, typer.Option(help="Of one operation alone.  [default: of all it does]")]


def list_models(
    provider: Annotated[str | None, typer.Argument(help="Only this one's; default: all that are enabled.")] = None,
) -> None:
    """Show every model with what it does and costs, as it is sold now."""
    settings = settings_with_database()

    async def show() -> None:
        from app.providers import overrides, service

        async with _rows(settings, [provider] if provider else None) as rows, transaction(settings) as session:
            prices = await _prices(settings)
            for name, own in rows.items():
                said = await service.list_overrides(session, name)
                offers, faults = overrides.apply(own, said, own)
                off = overrides.withdrawn(offers, said)
                for offer in offers:
                    is_off = (offer.operation, offer.model) in off
                    print(_line(name, offer, prices, said, is_off=is_off))
                for model, fault in faults.items():
                    print(f"{name}/{model}: its row in the database is ignored: {_faults(fault)}")
            for alias, ways in (await _aliases(session)).items():
                print(f"{alias} = {' '.join(ways)}")

    asyncio.run(show())


def set_model(
    provider: Provider,
    name: Name,
    values: Annotated[
        list[str] | None, typer.Argument(help="As cost_usd=0.05 or 'limits={\"most\": 2048}'; null takes a value away.")
    ] = None,
    operation: Operation = None,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="TOML with such values: a whole row, or a few."),
    ] = None,
) -> None:
    """Change what is said of a model, or add one. `credits` is its price from now on. Running tasks are not touched."""
    said = _read(file) | dict(map(_value, values or ()))
    if said.pop("name", name) != name:
        raise CommandFailed(f"name: these values are of another model than {name!r}")
    if not said:
        raise CommandFailed("say what is to change, as cost_usd=0.05 or --file row.toml")
    settings = settings_with_database()

    async def change() -> None:
        from pydantic import ValidationError

        from app.ledger import service as ledger
        from app.providers import service
        from app.providers.overrides import ALL

        async with _rows(settings, [provider]) as rows, transaction(settings) as session:
            _check(said, operation, rows[provider])
            try:
                offers = await service.set_model(session, provider, rows[provider], name, operation or ALL, said)
            except ValidationError as fault:
                raise CommandFailed(f"{provider}/{name}: {_faults(fault)}") from fault
            if "credits" in said:
                changed = [offer for offer in offers if operation in (None, offer.operation)]
                await ledger.set_prices(session, _sold_for(provider, changed))
            for offer in offers:
                print(_line(provider, offer, _sold_for(provider, offers), [], is_off=False))

    asyncio.run(change())


def reset_model(provider: Provider, name: Name, operation: Operation = None) -> None:
    """Forget what was said of a model: it is again what its provider's file says. One that is in no file is gone."""
    settings = settings_with_database()

    async def forget() -> None:
        from app.ledger import service as ledger
        from app.providers import service

        async with _rows(settings, [provider]) as rows, transaction(settings) as session:
            try:
                gone = await service.reset_model(session, provider, name, operation)
            except LookupError as fault:
                raise CommandFailed(str(fault)) from fault
            priced = {one.operation for one in gone if "credits" in one.row}
            own = [offer for offer in rows[provider] if offer.model == name and priced & {"*", offer.operation}]
            back = _sold_for(provider, own)
            await ledger.set_prices(session, back)
            nameless = {(offer.operation, provider, name) for offer in own} - back.keys()
            await ledger.remove_prices(session, sorted(nameless))

    asyncio.run(forget())


def switch_off(provider: Provider, name: Name, operation: Operation = None) -> None:
    """Sell a model no more. What was ordered is finished."""
    _switch(provider, name, operation, is_enabled=False)


def switch_on(provider: Provider, name: Name, operation: Operation = None) -> None:
    """Sell a model again."""
    _switch(provider, name, operation, is_enabled=True)


def _switch(provider: str, name: str, operation: str | None, *, is_enabled: bool) -> None:
    settings = settings_with_database()

    async def change() -> None:
        from app.providers import service
        from app.providers.overrides import ALL

        async with _rows(settings, [provider]) as rows, transaction(settings) as session:
            try:
                await service.switch_model(
                    session, provider, rows[provider], name, operation or ALL, is_enabled=is_enabled
                )
            except LookupError as fault:
                raise CommandFailed(str(fault)) from fault

    asyncio.run(change())


def set_alias(
    alias: Annotated[str, typer.Argument(help="The name orders use: a new one, or one such as auto or flux-pro.")],
    ways: Annotated[list[str] | None, typer.Argument(help="As fal/flux-dev; the first is tried first.")] = None,
) -> None:
    """Have a name stand for these models, in this order. Without any it means again what it means by itself."""
    pairs = [_way(text) for text in ways or ()]
    if not 0 < len(alias) <= 100:
        raise CommandFailed("a name has 1 to 100 characters")
    settings = settings_with_database()

    async def change() -> None:
        from app.providers import overrides, service

        async with _rows(settings, None) as rows, transaction(settings) as session:
            known = set()
            for provider, own in rows.items():
                offers, _ = overrides.apply(own, await service.list_overrides(session, provider), own)
                known |= {(provider, offer.model) for offer in offers}
            try:
                await service.set_alias(session, alias, pairs, known)
            except LookupError as fault:
                raise CommandFailed(str(fault)) from fault

    asyncio.run(change())


def show_margins(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Of the last so many days.")] = 30,
) -> None:
    """Show what each model cost and earned, with live keys, at BACKLOT_LEDGER_CREDIT_USD for a credit."""
    settings = settings_with_database()

    async def show() -> None:
        from app.generation.reports.margins import margins

        async with opened(settings) as database:
            rows = await margins(database, days=days, credit_usd=settings.ledger.credit_usd)
        head = ("provider/model", "calls", "outputs", "credits", "cost $", "revenue $", "margin $", "margin")
        print(f"{head[0]:36}" + "".join(f"{name:>11}" for name in head[1:]))
        for row in rows:
            share = "-" if row.share is None else f"{row.share:.0%}"
            money = "".join(f"{amount:>11.4f}" for amount in (row.cost_usd, row.revenue_usd, row.margin_usd))
            counts = f"{row.calls:>11}{row.outputs:>11}{row.credits:>11g}"
            doubt = f"  without the cost of {row.unknown_costs} calls, which nobody told" if row.unknown_costs else ""
            print(f"{row.provider + '/' + row.model:36}{counts}{money}{share:>11}{doubt}")
        print(f"At {settings.ledger.credit_usd:g} US dollars for a credit; tasks of the last {days} days.")

    asyncio.run(show())


@asynccontextmanager
async def _rows(settings: "Settings", names: Sequence[str] | None) -> "AsyncIterator[Mapping[str, Sequence[Offer]]]":
    """What the providers' own rows offer; of all that are enabled without names."""
    from app.providers import registry

    try:
        found = registry.load(settings, names or settings.providers.enabled)
    except registry.UnknownProvider as fault:
        raise CommandFailed(str(fault)) from fault
    try:
        yield {name: provider.offers for name, provider in found.items()}
    finally:
        for provider in found.values():
            await provider.close()


async def _prices(settings: "Settings") -> Mapping[tuple[str, str, str], int]:
    from app.ledger.price_list import PriceList

    async with opened(settings) as database:
        return await PriceList(database).get()


async def _aliases(session: Any) -> dict[str, list[str]]:
    from app.providers import queries

    found: dict[str, list[str]] = {}
    for way in await queries.list_aliases(session):
        found.setdefault(way.alias, []).append(f"{way.provider}/{way.model}")
    return found


def _line(
    provider: str,
    offer: "Offer",
    prices: Mapping[tuple[str, str, str], int],
    said: "Sequence[Override]",
    *,
    is_off: bool,
) -> str:
    from app.core.amounts import to_text
    from app.ledger import service as ledger

    price = ledger.price_of(prices, offer.operation, provider, offer.model)
    price = offer.microcredits if price is None else price
    sold = "no price" if price is None else f"{to_text(price)} credits"
    cost = "cost not known" if offer.cost_microusd is None else f"cost ${offer.cost_microusd / 1_000_000:g}"
    notes = ["off"] if is_off else []
    notes += ["changed"] if any(one.name == offer.model and one.row for one in said) else []
    notes += [f"also {', '.join(offer.aliases)}"] if offer.aliases else []
    name = f"{provider}/{offer.model}"
    return f"{name:36} {offer.operation:20} {sold:14} {cost:16} quality {offer.quality} {'; '.join(notes)}".rstrip()


def _sold_for(provider: str, offers: "Sequence[Offer]") -> dict[tuple[str, str, str], int]:
    """Prices by what is sold. With a picture from words a background is sold too, at the same price."""
    from app.providers.catalog import STUDIO

    priced = [(offer, offer.microcredits) for offer in offers if offer.microcredits is not None]
    studio = {(STUDIO, provider, offer.model): price for offer, price in priced if offer.operation == "text_to_image"}
    return studio | {(offer.operation, provider, offer.model): price for offer, price in priced}


def _read(file: Path | None) -> dict[str, Any]:
    import tomllib

    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise CommandFailed(f"{file} is no TOML: {fault}") from fault


def _value(text: str) -> tuple[str, Any]:
    """`name=value`, with the value as JSON, or else as the text it is."""
    name, is_pair, value = text.partition("=")
    if not is_pair or not name:
        raise CommandFailed(f"{text!r} says nothing: write name=value")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _check(said: Mapping[str, Any], operation: str | None, own: "Sequence[Offer]") -> None:
    """What the row by itself cannot know."""
    from app.generation.operations import OPERATIONS

    if operation is not None and "operations" in said:
        raise CommandFailed("operations: with --operation there is only that one")
    listed = said.get("operations")
    named = [operation] if operation is not None else listed if isinstance(listed, list) else []
    if unknown := [one for one in named if one not in OPERATIONS]:
        raise CommandFailed(f"operations: there is no {unknown[0]!r}; there are {', '.join(OPERATIONS)}")
    spoken = list(dict.fromkeys(offer.operation for offer in own))
    if spoken and (strange := [one for one in named if one not in spoken]):
        raise CommandFailed(f"operations: this provider does not do {strange[0]!r}; it does {', '.join(spoken)}")


def _way(text: str) -> tuple[str, str]:
    provider, is_pair, model = text.partition("/")
    if not is_pair or not provider or not model:
        raise CommandFailed(f"{text!r} is no provider/model, such as fal/flux-dev")
    return provider, model


def _faults(fault: Exception) -> str:
    from app.cli.failures import in_one_line

    return in_one_line(fault)
