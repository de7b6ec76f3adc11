"""Invitations over HTTP: for those who send them, and for those who get them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from app.accounts.audit.service import Actor
from app.accounts.caller import SIGNED_IN_PROBLEMS, SignedIn
from app.accounts.errors import EmailUnverified
from app.accounts.once import ONCE_PROBLEMS, OnceDep
from app.accounts.workspaces import invitations, service
from app.accounts.workspaces.caller import SEAT_PROBLEMS, Reader, Writer
from app.accounts.workspaces.errors import (
    AlreadyMember,
    ForbiddenRole,
    InvitationNotFound,
    MemberLeaving,
    OtherInvitee,
    PersonalWorkspace,
    TooManyTeams,
)
from app.accounts.workspaces.invitations import Desk
from app.accounts.workspaces.schemas import InvitationCreate, InvitationRead, InvitationShown, WorkspaceRead
from app.core import conditional, tokens
from app.core.db import DatabaseDep, DbSession
from app.core.dependencies import SettingsDep
from app.core.ids import InvitationId, encode
from app.core.paging import Page, PageParams
from app.core.problems import DependencyDown, Internal, InvalidCursor, InvalidRequest, problems
from app.core.throttle import TooManyAttempts
from app.core.visitor import VisitorDep

router = APIRouter(prefix="/v1/workspaces/{workspace_id}/invitations", tags=["workspaces"])
public_router = APIRouter(prefix="/v1/invitations", tags=["workspaces"])

Token = Annotated[
    str,
    Path(
        max_length=100,
        description="`token` of the link in the mail.",
        examples=["bkl_AZKzz4Md4fs0yYipc5fTBrJ3c2JhY2tsb3QtZXhhbXBsZS10b2tlbi1v"],
    ),
]


def _desk(database: DatabaseDep, settings: SettingsDep) -> Desk:
    return Desk(database, settings)


DeskDep = Annotated[Desk, Depends(_desk)]


@router.get(
    "",
    response_model=Page[InvitationRead],
    operation_id="list_invitations",
    responses=problems(*SEAT_PROBLEMS, InvalidCursor),
)
async def list_invitations(seat: Reader, page: PageParams, session: DbSession) -> Page[InvitationRead]:
    """List the open invitations, the newest first; expired ones too, which can be sent again."""
    rows, cursor = await invitations.list_invitations(session, seat, page)
    return Page(data=[InvitationRead.model_validate(row) for row in rows], next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    response_model=InvitationRead,
    operation_id="create_invitation",
    responses=problems(
        *SEAT_PROBLEMS,
        *ONCE_PROBLEMS,
        EmailUnverified,
        ForbiddenRole,
        PersonalWorkspace,
        AlreadyMember,
        TooManyAttempts,
    ),
)
async def create_invitation(
    order: InvitationCreate, once: OnceDep, seat: Writer, visitor: VisitorDep, desk: DeskDep, session: DbSession
) -> Response:
    """Invite somebody by e-mail. An address that is invited already gets the mail again, perhaps with another role."""
    made = await invitations.invite(session, desk, seat, Actor.of(seat.caller, visitor), order)
    location = f"/v1/workspaces/{encode('ws', made.workspace_id)}/invitations/{encode('inv', made.id)}"
    return await once.answer(session, 201, InvitationRead.model_validate(made), {"Location": location})


@router.get(
    "/{invitation_id}",
    response_model=InvitationRead,
    operation_id="get_invitation",
    responses=problems(*SEAT_PROBLEMS, InvitationNotFound) | {304: {"description": "Not changed."}},
)
async def get_invitation(invitation_id: InvitationId, seat: Reader, request: Request, session: DbSession) -> Response:
    """Read one open invitation."""
    found = await invitations.get_invitation(session, seat, invitation_id)
    return conditional.answer(request, InvitationRead.model_validate(found))


@router.delete(
    "/{invitation_id}",
    status_code=204,
    operation_id="withdraw_invitation",
    responses=problems(*SEAT_PROBLEMS, InvitationNotFound, ForbiddenRole),
)
async def withdraw_invitation(
    invitation_id: InvitationId, seat: Writer, visitor: VisitorDep, session: DbSession
) -> Response:
    """Withdraw an invitation: its link opens nothing any more."""
    await invitations.withdraw(session, seat, Actor.of(seat.caller, visitor), invitation_id)
    return Response(status_code=204)


@router.post(
    "/{invitation_id}/resend",
    response_model=InvitationRead,
    operation_id="resend_invitation",
    responses=problems(*SEAT_PROBLEMS, EmailUnverified, InvitationNotFound, ForbiddenRole, TooManyAttempts),
)
async def resend_invitation(
    invitation_id: InvitationId, seat: Writer, visitor: VisitorDep, desk: DeskDep, session: DbSession
) -> InvitationRead:
    """Send the mail of an invitation again; it can be accepted for another week."""
    sent = await invitations.resend(session, desk, seat, Actor.of(seat.caller, visitor), invitation_id)
    return InvitationRead.model_validate(sent)


@public_router.get(
    "/{token}",
    response_model=InvitationShown,
    operation_id="show_invitation",
    responses=problems(InvitationNotFound, InvalidRequest, Internal, DependencyDown),
)
async def show_invitation(token: Token, settings: SettingsDep, session: DbSession) -> InvitationShown:
    """Show who invites to what, to whoever has the link. Public."""
    return await invitations.show(session, tokens.read(settings, token))


@public_router.post(
    "/{token}/accept",
    response_model=WorkspaceRead,
    operation_id="accept_invitation",
    responses=problems(
        *SIGNED_IN_PROBLEMS, InvitationNotFound, OtherInvitee, EmailUnverified, MemberLeaving, TooManyTeams
    ),
)
async def accept_invitation(
    token: Token, caller: SignedIn, visitor: VisitorDep, settings: SettingsDep, session: DbSession
) -> WorkspaceRead:
    """Accept an invitation with the account of the address it was sent to. Again, it is the same seat."""
    token_id = tokens.read(settings, token)
    return service.shown(await invitations.accept(session, settings, caller, Actor.of(caller, visitor), token_id))
