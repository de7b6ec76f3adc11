"""What users see and change of themselves over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import RootModel

from app.accounts.caller import CALLER_PROBLEMS, SIGNED_IN_PROBLEMS, SignedIn, Themselves
from app.accounts.me import preferences, service
from app.accounts.me.schemas import MeRead, MeUpdate
from app.core import conditional
from app.core.db import DbSession
from app.core.problems import problems

router = APIRouter(prefix="/v1/me", tags=["me"])


class Preferences(RootModel[dict[str, Any]]):
    """A JSON object of your own making."""

    model_config = {"json_schema_extra": {"examples": [{"theme": "dark", "recent": ["upscale", "remove_background"]}]}}


Given = Annotated[
    Preferences,
    Body(
        description=f"At most {preferences.MAX_BYTES} bytes, {preferences.MAX_DEPTH} deep. It replaces what was there. "
        "Under `notifications`, `low_balance` and `task_failed` turn mails of these off where they are false; all else "
        "is your front end's."
    ),
]


@router.get(
    "",
    response_model=MeRead,
    operation_id="get_me",
    responses=problems(*CALLER_PROBLEMS) | {304: {"description": "Not changed."}},
)
async def get_me(request: Request, caller: Themselves, session: DbSession) -> Response:
    """Tell who is calling: user, workspace and role of this request, and its API key if there is one.

    Users are also told while their account waits for its deletion: `erase_at`.
    """
    return conditional.answer(request, await service.get_me(session, caller))


@router.patch("", response_model=MeRead, operation_id="update_me", responses=problems(*SIGNED_IN_PROBLEMS))
async def update_me(change: MeUpdate, caller: SignedIn, session: DbSession) -> MeRead:
    """Change your name, or the language of your mails. What is left out stays."""
    await service.update_me(session, caller, change)
    return await service.get_me(session, caller)


@router.get(
    "/preferences",
    response_model=Preferences,
    operation_id="get_preferences",
    responses=problems(*SIGNED_IN_PROBLEMS) | {304: {"description": "Not changed."}},
)
async def get_preferences(request: Request, caller: SignedIn, session: DbSession) -> Response:
    """Read what your front end keeps for you."""
    return conditional.answer(request, Preferences(await service.get_preferences(session, caller)))


@router.put(
    "/preferences",
    response_model=Preferences,
    operation_id="put_preferences",
    responses=problems(*SIGNED_IN_PROBLEMS),
)
async def put_preferences(given: Given, caller: SignedIn, session: DbSession) -> Preferences:
    """Keep this for me, in place of what was there: any JSON object."""
    await service.put_preferences(session, caller, given.root)
    return given
