"""How providers do, for whoever is signed in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.accounts.caller import CALLER_PROBLEMS, TasksReader
from app.core.problems import problems
from app.generation.reports.health import HealthDesk
from app.generation.reports.schemas import ProviderHealth
from app.generation.schemas import Listing

router = APIRouter(prefix="/v1", tags=["providers"])


def get_health(request: Request) -> HealthDesk:
    desk: HealthDesk = request.app.state.health
    return desk


@router.get(
    "/providers/health",
    response_model=Listing[ProviderHealth],
    operation_id="list_provider_health",
    responses=problems(*CALLER_PROBLEMS),
)
async def list_provider_health(
    caller: TasksReader, desk: Annotated[HealthDesk, Depends(get_health)]
) -> Listing[ProviderHealth]:
    """List the enabled providers: whether they work, how often calls fail, and how long they take."""
    return Listing(data=await desk.get())
