"""What can be ordered: operations with their schemas, models and prices, and the presets. Public."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from app.core.problems import DependencyDown, Internal, problems
from app.generation import presets
from app.generation.operations import OPERATIONS, Operation
from app.generation.presets import Preset
from app.generation.router import CatalogDep, IntakeDep
from app.generation.schemas import (
    Listing,
    ModelOffer,
    ModelRead,
    ModelShown,
    OperationRead,
    PresetRead,
    ValueRange,
)
from app.ledger import service as ledger
from app.ledger.price_list import Prices
from app.providers.catalog import Catalog, Route
from app.providers.limits import Size
from app.providers.values import OneOf, Values

router = APIRouter(prefix="/v1", tags=["catalog"])


def _on_sale(catalog: Catalog, prices: Prices, operation: Operation) -> Iterator[tuple[Route, int]]:
    """What can be ordered with a live key, and its price."""
    for route in catalog.routes(operation.name, mode="live", is_in_house=operation.is_in_house):
        price = ledger.price_of(prices, operation.name, route.provider, route.offer.model)
        if price is not None and catalog.needs(route.provider) is None:
            yield route, price


@router.get(
    "/operations",
    response_model=Listing[OperationRead],
    operation_id="list_operations",
    responses=problems(Internal, DependencyDown),
)
async def list_operations(catalog: CatalogDep, intake: IntakeDep) -> Listing[OperationRead]:
    """List the operations on sale, each with the JSON Schema of its input, its models and its price."""
    prices = await intake.prices.get()
    shown = []
    for operation in OPERATIONS.values():
        models = [
            ModelRead(
                provider=route.provider,
                model=route.offer.model,
                title=route.offer.title,
                price=price,
                steps=list(route.offer.steps),
            )
            for route, price in _on_sale(catalog, prices, operation)
        ]
        if models:
            shown.append(
                OperationRead(
                    name=operation.name,
                    description=operation.summary,
                    input_schema=operation.input.model_json_schema() | {"examples": [dict(operation.example)]},
                    price=models[0].price,
                    models=models,
                )
            )
    return Listing(data=shown)


@router.get(
    "/models",
    response_model=Listing[ModelShown],
    operation_id="list_models",
    responses=problems(Internal, DependencyDown),
)
async def list_models(catalog: CatalogDep, intake: IntakeDep) -> Listing[ModelShown]:
    """List the models on sale: who serves them, what they do, what they honour and take, what they cost."""
    prices = await intake.prices.get()
    shown: dict[str, ModelShown] = {}
    for operation in OPERATIONS.values():
        for route, price in _on_sale(catalog, prices, operation):
            offer = route.offer
            model = shown.setdefault(
                offer.model,
                ModelShown(
                    id=offer.model,
                    title=offer.title,
                    owned_by=route.provider,
                    aliases=[],
                    offers=[],
                ),
            )
            model.aliases += [name for name in catalog.aliases_of(route.provider, offer) if name not in model.aliases]
            model.offers.append(_shown(operation, route, price))
    return Listing(data=list(shown.values()))


def _shown(operation: Operation, route: Route, price: int) -> ModelOffer:
    offer, honoured = route.offer, sorted(filter(route.offer.honours, operation.input.optional))
    fields = operation.input.model_fields
    return ModelOffer(
        operation=operation.name,
        provider=route.provider,
        price=price,
        parameters=None if offer.parameters is None else honoured,
        values={name: _values(values) for name, values in offer.values.items() if name in fields},
        sizes=_written(offer.limits.sizes, "x"),
        ratios=_written(offer.limits.ratios, ":"),
        estimated_seconds=offer.seconds,
        quality=offer.quality,
    )


def _values(values: Values) -> list[Any] | ValueRange:
    return list(values.values) if isinstance(values, OneOf) else ValueRange(**asdict(values))


def _written(sizes: tuple[Size, ...], sign: str) -> list[str] | None:
    return [f"{width}{sign}{height}" for width, height in sizes] or None


@router.get("/presets", response_model=Listing[PresetRead], operation_id="list_presets", responses=problems(Internal))
async def list_presets() -> Listing[Preset]:
    """List the studio styles of `replace_background`."""
    return Listing(data=list(presets.PRESETS))
