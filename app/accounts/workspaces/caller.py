"""Who is calling, in the workspace of the path: FastAPI dependencies."""

from typing import Annotated, Any

from fastapi import Security

from app.accounts import caller
from app.accounts.models import Scope
from app.accounts.workspaces import seats
from app.accounts.workspaces.errors import LiveKeyRequired
from app.accounts.workspaces.seats import Seat
from app.core.db import DbSession
from app.core.ids import WorkspaceId
from app.core.problems import Problem

SEAT_PROBLEMS: tuple[type[Problem], ...] = (*caller.CALLER_PROBLEMS, LiveKeyRequired)


def _taking(scope: Scope, *, changes: bool = False, by_test_keys: bool = False) -> Any:
    async def take(
        workspace_id: WorkspaceId,
        who: caller.RecognisedDep,
        session: DbSession,
        shown: Annotated[None, Security(caller.shown)],
    ) -> Seat:
        caller.permit(who)  # not who is leaving the installation
        return await seats.take(session, who, workspace_id, scope, changes=changes, by_test_keys=by_test_keys)

    return Security(take, scopes=[scope.value])


Onlooker = Annotated[Seat, _taking(Scope.WORKSPACE_READ, by_test_keys=True)]
Reader = Annotated[Seat, _taking(Scope.WORKSPACE_READ)]
Writer = Annotated[Seat, _taking(Scope.WORKSPACE_WRITE, changes=True)]
Leaver = Annotated[Seat, _taking(Scope.WORKSPACE_READ, changes=True)]
"""Who leaves needs no more than a seat."""
