"""Rules of workspaces: made, renamed, handed over, deleted."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.models import Member, Workspace, WorkspaceKind, WorkspaceRole
from app.accounts.schemas import CallerInfo
from app.accounts.users import standing
from app.accounts.workspaces import members, queries
from app.accounts.workspaces.errors import MemberLeaving, MemberNotFound, WorkspaceBusy
from app.accounts.workspaces.queries import SeatRow
from app.accounts.workspaces.schemas import WorkspaceRead
from app.accounts.workspaces.seats import Seat
from app.core import clock
from app.core.ids import encode
from app.core.paging import PageRequest, cut
from app.core.problems import InvalidRequest
from app.core.settings import Settings


def shown(seat: Seat) -> WorkspaceRead:
    """The workspace as its member sees it."""
    fields = {name: getattr(seat.workspace, name) for name in ("id", "name", "kind", "plan", "created_at")}
    return WorkspaceRead(**fields, role=seat.role)


async def list_workspaces(
    session: AsyncSession, caller: CallerInfo, page: PageRequest
) -> tuple[Sequence[SeatRow], str | None]:
    """Those a user is in; of an API key its own."""
    if caller.key_id is None:
        return cut(await queries.list_workspaces(session, page, user_id=caller.user_id), page)
    seat = await queries.find_seat(session, caller.workspace_id, caller.user_id)
    return ([seat] if seat and not page.after else []), None


async def create_team(session: AsyncSession, settings: Settings, caller: CallerInfo, actor: Actor, name: str) -> Seat:
    """A team whose one member and owner is the caller. Raises TooManyTeams, or what `standing.lock_own` raises."""
    await standing.lock_own(session, caller)  # two at once count one after the other
    await members.must_be_able_to_own(session, settings, caller.user_id)
    team = Workspace(name=name, kind=WorkspaceKind.TEAM)
    session.add(team)
    await session.flush()
    session.add(Member(workspace_id=team.id, user_id=caller.user_id, role=WorkspaceRole.OWNER))
    audit.record(
        session,
        actor,
        "workspace.created",
        workspace_id=team.id,
        target=("workspace", team.id),
        data={"name": name},
    )
    changes.tell(session, caller.user_id)
    return Seat(caller, team, WorkspaceRole.OWNER)


def rename(session: AsyncSession, seat: Seat, actor: Actor, name: str) -> None:
    if seat.workspace.name == name:
        return
    seat.workspace.name = name
    _record(session, seat, actor, "workspace.renamed", {"name": name})


async def delete_team(session: AsyncSession, seat: Seat, actor: Actor) -> None:
    """From now on nobody is in it and none of its keys opens anything; what it has is kept for the operator.

    Raises ForbiddenRole, PersonalWorkspace, or WorkspaceBusy while a task is open. An order that is let in just before
    the end, and comes after, is done like any other.
    """
    seat.must_own_for(WorkspaceRole.OWNER, "deletes a workspace")
    seat.must_be_of_a_team()
    if await queries.has_open_work(session, seat.workspace.id):
        raise WorkspaceBusy
    seat.workspace.deleted_at = clock.now()
    _record(session, seat, actor, "workspace.deleted", {"name": seat.workspace.name})
    changes.tell(session, seat.workspace.id)


async def transfer(session: AsyncSession, settings: Settings, seat: Seat, actor: Actor, user_id: UUID) -> Seat:
    """The member becomes an owner, the caller an admin.

    Raises ForbiddenRole, PersonalWorkspace, MemberNotFound, MemberLeaving, TooManyTeams or InvalidRequest.
    """
    seat.must_own_for(WorkspaceRole.OWNER, "hands a workspace over")
    seat.must_be_of_a_team()
    if user_id == seat.caller.user_id:
        raise InvalidRequest.at("/user_id", "That is you: name another member.")
    taker = await queries.find_member(session, seat.workspace.id, user_id)
    giver = await queries.find_member(session, seat.workspace.id, seat.caller.user_id)
    if taker is None or giver is None:
        raise MemberNotFound
    if taker.role != WorkspaceRole.OWNER:
        await members.must_be_able_to_own(session, settings, user_id)
    elif not await queries.has_other_owner(session, seat.workspace.id, giver.user_id):
        raise MemberLeaving
    taker.role, giver.role = WorkspaceRole.OWNER, WorkspaceRole.ADMIN
    await members.withdraw_what_is_beyond(session, seat.workspace.id, giver.user_id, WorkspaceRole.ADMIN)
    audit.record(
        session,
        actor,
        "workspace.transferred",
        workspace_id=seat.workspace.id,
        target=("user", user_id),
        data={"from": encode("user", giver.user_id)},
    )
    changes.tell(session, taker.user_id)
    changes.tell(session, giver.user_id)
    return Seat(seat.caller, seat.workspace, giver.role)


def _record(session: AsyncSession, seat: Seat, actor: Actor, action: str, data: dict[str, Any]) -> None:
    target = ("workspace", seat.workspace.id)
    audit.record(session, actor, action, workspace_id=seat.workspace.id, target=target, data=data)
