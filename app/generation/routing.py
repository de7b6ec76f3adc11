"""Which ways fit an order, and in what order they are tried."""

from collections.abc import Sequence

from app.generation.errors import ProviderNotConfigured, UnknownModel, UnsupportedParameter
from app.generation.operations import OPERATIONS, Operation, OperationInput
from app.generation.schemas import TaskCreate
from app.ledger import service as ledger
from app.ledger.errors import NotSellable
from app.ledger.price_list import Prices
from app.providers.base import UnknownScenario
from app.providers.catalog import Catalog, Route

ANY_MODEL = {"auto": None, "best": "quality", "fast": "speed", "cheap": "cost"}
"""Names that stand for every model, and what is preferred then; with `auto` it is `routing.prefer`."""


def choose(
    catalog: Catalog, prices: Prices, order: TaskCreate, operation: Operation, checked: OperationInput, mode: str
) -> tuple[list[Route], int]:
    """Every way to do it that is on sale, first choice first, and the price of one output by the first.

    Raises UnknownModel, ProviderNotConfigured, UnsupportedParameter or NotSellable.
    """
    routes = _fitting(catalog, order, operation, checked, mode)
    routes = _honouring(routes, checked)
    return _priced(prices, order, operation, routes)


def _fitting(
    catalog: Catalog, order: TaskCreate, operation: Operation, checked: OperationInput, mode: str
) -> list[Route]:
    """Those of the order's model and provider."""
    if mode == "test" and (played := _rehearsal(catalog, order, operation, checked)):
        return played
    every = catalog.routes(operation.name, mode=mode, is_in_house=operation.is_in_house)
    if not every:
        done = [name for name in OPERATIONS if catalog.routes(name, mode=mode)]
        raise UnknownModel.at("/operation", f"No provider enabled here does {operation.name}; {among(done)}.")
    if mode == "test" and not operation.is_in_house:
        return every  # whatever a test key names, the sandbox plays it
    named = [route for route in every if order.provider in (None, route.provider)]
    if not named:
        names = sorted({route.provider for route in every})
        raise UnknownModel.at("/provider", f"No provider {order.provider!r} does {operation.name}; {among(names)}.")
    fitting = [route for route in named if order.model in ANY_MODEL or route.offer.is_called(order.model)]
    if not fitting:
        models = [*ANY_MODEL, *_models(named)]
        raise UnknownModel.at("/model", f"No model {order.model!r} does {operation.name}; {among(models)}.")
    ready = [route for route in fitting if catalog.needs(route.provider) is None]
    if not ready:
        needed = sorted({str(catalog.needs(route.provider)) for route in fitting})
        raise ProviderNotConfigured(f"The operator has to set {' or '.join(needed)}.")
    return ready


def _rehearsal(catalog: Catalog, order: TaskCreate, operation: Operation, checked: OperationInput) -> list[Route]:
    """The scenario a test-mode order names, if any. Raises UnknownModel."""
    try:
        return catalog.rehearsal(operation.name, order.model, dict(checked))
    except UnknownScenario as unknown:
        pointer = "/model" if unknown.field == "model" else f"/input/{unknown.field}"
        raise UnknownModel.at(pointer, unknown.message) from unknown


def _honouring(routes: list[Route], checked: OperationInput) -> list[Route]:
    """Those that honour every parameter the customer gave. Raises UnsupportedParameter."""
    given = [name for name in sorted(checked.model_fields_set & checked.optional) if getattr(checked, name) is not None]
    honouring = [route for route in routes if all(map(route.offer.honours, given))]
    if honouring:
        return honouring
    able = {name: [route for route in routes if route.offer.honours(name)] for name in given}
    name = min(given, key=lambda one: len(able[one]))
    models = _models(able[name])
    hint = f"these do: {', '.join(models)}" if models else "no model here does"
    raise UnsupportedParameter.at(f"/input/{name}", f"This model does not honour {name}; {hint}.", models=models)


def _priced(
    prices: Prices, order: TaskCreate, operation: Operation, routes: Sequence[Route]
) -> tuple[list[Route], int]:
    """Those on sale, in the order wished for."""
    priced = [
        (route, price)
        for route in routes
        if (price := ledger.price_of(prices, operation.name, route.provider, route.offer.model)) is not None
    ]
    if not priced:
        raise NotSellable.at("/operation", f"{operation.name} has no price yet, so it cannot be ordered.")
    match ANY_MODEL.get(order.model) or order.routing.prefer:
        case "cost":
            priced.sort(key=lambda one: one[1])
        case "speed":
            priced.sort(key=lambda one: one[0].offer.seconds)
        case _:
            priced.sort(key=lambda one: -one[0].offer.quality)
    if not order.routing.fallback:
        priced = priced[:1]
    return [route for route, _ in priced], priced[0][1]


def _models(routes: Sequence[Route]) -> list[str]:
    return list(dict.fromkeys(route.offer.model for route in routes))


def among(names: Sequence[str]) -> str:
    return "there are " + ", ".join(names)
