"""Which ways fit an order, and in what order they are tried."""

from collections.abc import Sequence

from app.core.wire import dumps
from app.generation.errors import ProviderNotConfigured, UnknownModel, UnsupportedParameter
from app.generation.operations import OPERATIONS, Operation, OperationInput
from app.generation.schemas import TaskCreate
from app.ledger import service as ledger
from app.ledger.errors import NotSellable
from app.ledger.price_list import Prices
from app.providers.base import Offer, UnknownScenario
from app.providers.catalog import Catalog, Route

ANY_MODEL = {"auto": None, "best": "quality", "fast": "speed", "cheap": "cost"}
"""Names that stand for every model, and what is preferred then; with `auto` it is `routing.prefer`."""
LONG = 64


def choose(
    catalog: Catalog, prices: Prices, order: TaskCreate, operation: Operation, checked: OperationInput, mode: str
) -> tuple[list[Route], int]:
    """Every way to do it that is on sale, first choice first, and the price of one output by the first.

    Raises UnknownModel, ProviderNotConfigured, UnsupportedParameter or NotSellable.
    """
    routes = _fitting(catalog, order, operation, checked, mode)
    routes = _honouring(routes, checked) or _refuse(catalog, routes, operation, checked, mode)
    is_ordered = bool(_aliased(catalog, order.model, routes))
    return _priced(prices, order, operation, routes, is_ordered=is_ordered)


def _fitting(
    catalog: Catalog, order: TaskCreate, operation: Operation, checked: OperationInput, mode: str
) -> list[Route]:
    """Those of the order's model and provider."""
    if mode == "test" and (played := _rehearsal(catalog, order, operation, checked)):
        return played
    every = catalog.routes(operation.name, mode=mode, is_in_house=operation.is_in_house)
    if not every:
        done = [
            name for name, one in OPERATIONS.items() if catalog.routes(name, mode=mode, is_in_house=one.is_in_house)
        ]
        raise UnknownModel.at("/operation", f"No provider enabled here does {operation.name}; {among(done)}.")
    if mode == "test" and not operation.is_in_house:
        return every  # whatever a test key names, the sandbox plays it
    named = [route for route in every if order.provider in (None, route.provider)]
    if not named:
        names = sorted({route.provider for route in every})
        raise UnknownModel.at("/provider", f"No provider {order.provider!r} does {operation.name}; {among(names)}.")
    fitting = _aliased(catalog, order.model, named) or [
        route for route in named if order.model in ANY_MODEL or route.offer.is_called(order.model)
    ]
    if not fitting:
        models = [*ANY_MODEL, *_models(named)]
        raise UnknownModel.at("/model", f"No model {order.model!r} does {operation.name}; {among(models)}.")
    ready = [route for route in fitting if catalog.needs(route.provider) is None]
    if not ready:
        needed = sorted({str(catalog.needs(route.provider)) for route in fitting})
        raise ProviderNotConfigured(f"The operator has to set {' or '.join(needed)}.")
    return ready


def _aliased(catalog: Catalog, name: str, routes: Sequence[Route]) -> list[Route]:
    """Those an operator has the name stand for, in their order; empty where none is among them: then it means what it
    means without."""
    ways = catalog.alias(name)
    among_them = [route for route in routes if (route.provider, route.offer.model) in ways]
    return sorted(among_them, key=lambda route: ways.index((route.provider, route.offer.model)))


def _rehearsal(catalog: Catalog, order: TaskCreate, operation: Operation, checked: OperationInput) -> list[Route]:
    """The scenario a test-mode order names, if any. Raises UnknownModel."""
    try:
        return catalog.rehearsal(operation.name, order.model, dict(checked))
    except UnknownScenario as unknown:
        pointer = "/model" if unknown.field == "model" else f"/input/{unknown.field}"
        raise UnknownModel.at(pointer, unknown.message) from unknown


def _honouring(routes: Sequence[Route], checked: OperationInput) -> list[Route]:
    """Those that honour every parameter the customer gave, and take the value of each field, given or not."""
    return [route for route in routes if not _misfits(route.offer, checked)]


def _misfits(offer: Offer, checked: OperationInput) -> set[str]:
    """The fields the model does not honour, or not with their values."""
    ignored = {name for name in checked.given() if not offer.honours(name)}
    return ignored | {name for name in offer.values if not offer.takes(name, getattr(checked, name, None))}


def _refuse(
    catalog: Catalog, routes: Sequence[Route], operation: Operation, checked: OperationInput, mode: str
) -> list[Route]:
    """Name the field that stands in the way of most, and the models that do not mind. Raises UnsupportedParameter."""
    misfits = [_misfits(route.offer, checked) for route in routes]
    name = max(sorted(set().union(*misfits)), key=lambda one: sum(one in each for each in misfits))
    offer = next(route.offer for route, each in zip(routes, misfits, strict=True) if name in each)
    every = catalog.routes(operation.name, mode=mode, is_in_house=operation.is_in_house)
    ready = [route for route in every if catalog.needs(route.provider) is None]
    models = _models([route for route in ready if name not in _misfits(route.offer, checked)])
    hint = f"these do: {', '.join(models)}" if models else "no model here does"
    if name in checked.given() and not offer.honours(name):
        fault = f"{offer.model} does not honour {name}"
    else:
        fault = f"{offer.model} takes {offer.values[name]} for {name}, not {_written(getattr(checked, name))}"
    raise UnsupportedParameter.at(f"/input/{name}", f"{fault}; {hint}.", models=models)


def _written(value: object) -> str:
    """As in JSON; of a text its length, which is what a model minds."""
    return f"{len(value)} characters" if isinstance(value, str) and len(value) > LONG else dumps(value).decode()


def _priced(
    prices: Prices, order: TaskCreate, operation: Operation, routes: Sequence[Route], *, is_ordered: bool
) -> tuple[list[Route], int]:
    """Those on sale, in the order wished for; in theirs, where an operator's alias has set it."""
    priced = [
        (route, price)
        for route in routes
        if (price := ledger.price_of(prices, operation.name, route.provider, route.offer.model)) is not None
    ]
    if not priced:
        raise NotSellable.at("/operation", f"{operation.name} has no price yet, so it cannot be ordered.")
    match "alias" if is_ordered else ANY_MODEL.get(order.model) or order.routing.prefer:
        case "alias":
            pass
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
