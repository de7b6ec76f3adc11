"""Workspaces and their members over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.accounts.audit.service import Actor
from app.accounts.caller import (
    CALLER_PROBLEMS,
    CONFIRMED_PROBLEMS,
    SIGNED_IN_PROBLEMS,
    Confirmed,
    SignedIn,
    WorkspaceReader,
)
from app.accounts.models import Scope
from app.accounts.once import ONCE_PROBLEMS, OnceDep
from app.accounts.workspaces import members, seats, service
from app.accounts.workspaces.caller import SEAT_PROBLEMS, Leaver, Onlooker, Reader, Writer
from app.accounts.workspaces.errors import (
    ForbiddenRole,
    LastOwner,
    MemberLeaving,
    MemberNotFound,
    PersonalWorkspace,
    TooManyTeams,
    WorkspaceBusy,
)
from app.accounts.workspaces.schemas import (
    MemberRead,
    MemberUpdate,
    TransferCreate,
    WorkspaceCreate,
    WorkspaceRead,
    WorkspaceUpdate,
)
from app.core import conditional
from app.core.db import DbSession
from app.core.dependencies import SettingsDep
from app.core.ids import UserId, WorkspaceId, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.visitor import VisitorDep

router = APIRouter(prefix="/v1/workspaces", tags=["workspaces"])


@router.get(
    "",
    response_model=Page[WorkspaceRead],
    operation_id="list_workspaces",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_workspaces(caller: WorkspaceReader, page: PageParams, session: DbSession) -> Page[WorkspaceRead]:
    """List the workspaces you are in, the newest first. An API key is in its own alone."""
    rows, cursor = await service.list_workspaces(session, caller, page)
    return Page(data=[WorkspaceRead.model_validate(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    response_model=WorkspaceRead,
    operation_id="create_workspace",
    responses=problems(*SIGNED_IN_PROBLEMS, *ONCE_PROBLEMS, TooManyTeams),
)
async def create_workspace(
    order: WorkspaceCreate,
    caller: SignedIn,
    once: OnceDep,
    visitor: VisitorDep,
    settings: SettingsDep,
    session: DbSession,
) -> Response:
    """Make a team, of which you are the owner."""
    seat = await service.create_team(session, settings, caller, Actor.of(caller, visitor), order.name)
    location = f"/v1/workspaces/{encode('ws', seat.workspace.id)}"
    return await once.answer(session, 201, service.shown(seat), {"Location": location})


@router.get(
    "/{workspace_id}",
    response_model=WorkspaceRead,
    operation_id="get_workspace",
    responses=problems(*SEAT_PROBLEMS) | {304: {"description": "Not changed."}},
)
async def get_workspace(seat: Onlooker, request: Request) -> Response:
    """Read one workspace."""
    return conditional.answer(request, service.shown(seat))


@router.patch(
    "/{workspace_id}", response_model=WorkspaceRead, operation_id="update_workspace", responses=problems(*SEAT_PROBLEMS)
)
async def update_workspace(
    order: WorkspaceUpdate, seat: Writer, visitor: VisitorDep, session: DbSession
) -> WorkspaceRead:
    """Rename a workspace."""
    service.rename(session, seat, Actor.of(seat.caller, visitor), order.name)
    return service.shown(seat)


@router.delete(
    "/{workspace_id}",
    status_code=204,
    operation_id="delete_workspace",
    responses=problems(*CONFIRMED_PROBLEMS, *SEAT_PROBLEMS, ForbiddenRole, PersonalWorkspace, WorkspaceBusy),
)
async def delete_workspace(
    workspace_id: WorkspaceId, caller: Confirmed, visitor: VisitorDep, session: DbSession
) -> Response:
    """Delete a team, for good: an owner may, once no task of it is open. Its keys open nothing any more."""
    seat = await seats.take(session, caller, workspace_id, Scope.WORKSPACE_WRITE, changes=True, by_test_keys=False)
    await service.delete_team(session, seat, Actor.of(caller, visitor))
    return Response(status_code=204)


@router.post(
    "/{workspace_id}/transfer",
    response_model=WorkspaceRead,
    operation_id="transfer_workspace",
    responses=problems(
        *CONFIRMED_PROBLEMS,
        *SEAT_PROBLEMS,
        ForbiddenRole,
        PersonalWorkspace,
        MemberNotFound,
        MemberLeaving,
        TooManyTeams,
    ),
)
async def transfer_workspace(
    workspace_id: WorkspaceId,
    order: TransferCreate,
    caller: Confirmed,
    visitor: VisitorDep,
    settings: SettingsDep,
    session: DbSession,
) -> WorkspaceRead:
    """Hand a team over to one of its members, who becomes an owner; you stay as an admin."""
    seat = await seats.take(session, caller, workspace_id, Scope.WORKSPACE_WRITE, changes=True, by_test_keys=False)
    return service.shown(await service.transfer(session, settings, seat, Actor.of(caller, visitor), order.user_id))


@router.get(
    "/{workspace_id}/members",
    response_model=Page[MemberRead],
    operation_id="list_members",
    responses=problems(*SEAT_PROBLEMS, InvalidCursor),
)
async def list_members(seat: Reader, page: PageParams, session: DbSession) -> Page[MemberRead]:
    """List who is in a workspace, as what, the newest first."""
    rows, cursor = await members.list_members(session, seat, page)
    return Page(data=[MemberRead.of(row) for row in rows], next_cursor=cursor)


@router.get(
    "/{workspace_id}/members/{user_id}",
    response_model=MemberRead,
    operation_id="get_member",
    responses=problems(*SEAT_PROBLEMS, MemberNotFound) | {304: {"description": "Not changed."}},
)
async def get_member(user_id: UserId, seat: Reader, request: Request, session: DbSession) -> Response:
    """Read one member."""
    return conditional.answer(request, MemberRead.of(await members.get_member(session, seat, user_id)))


@router.patch(
    "/{workspace_id}/members/{user_id}",
    response_model=MemberRead,
    operation_id="update_member",
    responses=problems(
        *SEAT_PROBLEMS, MemberNotFound, ForbiddenRole, PersonalWorkspace, LastOwner, MemberLeaving, TooManyTeams
    ),
)
async def update_member(
    user_id: UserId,
    order: MemberUpdate,
    seat: Writer,
    visitor: VisitorDep,
    settings: SettingsDep,
    session: DbSession,
) -> MemberRead:
    """Change a member's role. Admins manage everybody but owners; owners everybody."""
    await members.change_role(session, settings, seat, Actor.of(seat.caller, visitor), user_id, order.role)
    return MemberRead.of(await members.get_member(session, seat, user_id))


KeepKeys = Annotated[
    bool, Query(description="Leave the API keys they made here as they are. Else these end; only who stays may say so.")
]


@router.delete(
    "/{workspace_id}/members/{user_id}",
    status_code=204,
    operation_id="remove_member",
    responses=problems(*SEAT_PROBLEMS, MemberNotFound, ForbiddenRole, PersonalWorkspace, LastOwner),
)
async def remove_member(
    user_id: UserId, seat: Leaver, visitor: VisitorDep, session: DbSession, keep_api_keys: KeepKeys = False
) -> Response:
    """Remove a member, or leave: that needs no more than a seat. The API keys they made here end with it."""
    await members.remove(session, seat, Actor.of(seat.caller, visitor), user_id, keep_api_keys=keep_api_keys)
    return Response(status_code=204)
