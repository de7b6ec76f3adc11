"""What can be ordered: operations with their schemas, models and prices, and the presets. Public."""

from fastapi import APIRouter

from app.core.db import DbSession
from app.core.problems import DependencyDown, Internal, problems
from app.generation import presets
from app.generation.operations import OPERATIONS
from app.generation.presets import Preset
from app.generation.router import CatalogDep
from app.generation.schemas import Listing, ModelRead, OperationRead, PresetRead
from app.ledger import service as ledger

router = APIRouter(prefix="/v1", tags=["catalog"])


@router.get(
    "/operations",
    response_model=Listing[OperationRead],
    operation_id="list_operations",
    responses=problems(Internal, DependencyDown),
)
async def list_operations(catalog: CatalogDep, session: DbSession) -> Listing[OperationRead]:
    """List the operations on sale, each with the JSON Schema of its input, its models and its price."""
    prices = await ledger.price_table(session)
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
            for route in catalog.routes(operation.name, mode="live")
            if (price := ledger.price_of(prices, operation.name, route.provider, route.offer.model)) is not None
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


@router.get("/presets", response_model=Listing[PresetRead], operation_id="list_presets", responses=problems(Internal))
async def list_presets() -> Listing[Preset]:
    """List the studio styles of `replace_background`."""
    return Listing(data=list(presets.PRESETS))
