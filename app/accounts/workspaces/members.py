"""Rules of members: whose role who may change, and who may remove whom.

Admins manage everybody but owners; owners everybody. The last owner can neither be demoted, nor removed, nor leave:
whoever changes members has the workspace locked (`seats.take`), so of two owners that leave at once one stays.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.keys import ending
from app.accounts.models import Member, Scope, WorkspaceRole
from app.accounts.permissions import RANK, ROLE_SCOPES
from app.accounts.users import queries as users
from app.accounts.workspaces import queries
from app.accounts.workspaces.errors import LastOwner, MemberLeaving, MemberNotFound, TooManyTeams
from app.accounts.workspaces.queries import MemberRow
from app.accounts.workspaces.seats import Seat, must_have
from app.core import clock
from app.core.paging import PageRequest, cut
from app.core.problems import InvalidRequest
from app.core.settings import Settings


async def list_members(session: AsyncSession, seat: Seat, page: PageRequest) -> tuple[Sequence[MemberRow], str | None]:
    return cut(await queries.list_members(session, page, workspace_id=seat.workspace.id), page)


async def get_member(session: AsyncSession, seat: Seat, user_id: UUID) -> MemberRow:
    """Raises MemberNotFound."""
    found = await queries.find_shown_member(session, seat.workspace.id, user_id)
    if found is None:
        raise MemberNotFound
    return found


async def change_role(
    session: AsyncSession, settings: Settings, seat: Seat, actor: Actor, user_id: UUID, role: WorkspaceRole
) -> None:
    """Raises PersonalWorkspace, MemberNotFound, ForbiddenRole, LastOwner, MemberLeaving or TooManyTeams."""
    seat.must_be_of_a_team()
    member = await _find(session, seat, user_id)
    seat.must_own_for(member.role, "changes the role of an owner")
    seat.must_own_for(role, "makes owners")
    if role == member.role:
        return
    if member.role == WorkspaceRole.OWNER:
        await _must_not_be_last(session, seat, user_id)
    if role == WorkspaceRole.OWNER:
        await must_be_able_to_own(session, settings, user_id)
    before, member.role = member.role, role
    await withdraw_what_is_beyond(session, seat.workspace.id, user_id, role)
    audit.record(
        session,
        actor,
        "member.role_changed",
        workspace_id=seat.workspace.id,
        target=("user", user_id),
        data={"from": before, "to": role},
    )
    changes.tell(session, user_id)


async def remove(session: AsyncSession, seat: Seat, actor: Actor, user_id: UUID, *, keep_api_keys: bool) -> None:
    """Take somebody's seat, or one's own: that is leaving. The keys they made end with it, unless they are kept.

    Raises PersonalWorkspace, MemberNotFound, MissingScope, ForbiddenRole, LastOwner or InvalidRequest.
    """
    is_leaving = user_id == seat.caller.user_id and seat.caller.key_id is None
    if not is_leaving:
        scopes = seat.caller.scopes if seat.caller.key_id else ROLE_SCOPES[str(seat.role)]
        must_have(scopes, Scope.WORKSPACE_WRITE, "This key" if seat.caller.key_id else "Your role in this workspace")
    elif keep_api_keys:  # they know the secrets of these keys: who stays decides
        raise InvalidRequest.at(
            "query:keep_api_keys", "Who leaves cannot keep keys here: have an admin remove you and keep them."
        )
    seat.must_be_of_a_team()
    member = await _find(session, seat, user_id)
    seat.must_own_for(member.role, "removes an owner")
    if member.role == WorkspaceRole.OWNER:
        await _must_not_be_last(session, seat, user_id)
    await queries.remove_member(session, seat.workspace.id, user_id)
    await withdraw_what_is_beyond(session, seat.workspace.id, user_id, None)
    revoked = 0
    if keep_api_keys:  # as they are: what a demotion took from them does not come back
        kept = ROLE_SCOPES[member.role]
        await ending.narrow_made_by(session, user_id, workspace_id=seat.workspace.id, scopes=kept)
    else:
        revoked = await ending.revoke_made_by(session, user_id, workspace_id=seat.workspace.id, actor=actor)
    audit.record(
        session,
        actor,
        "member.left" if is_leaving else "member.removed",
        workspace_id=seat.workspace.id,
        target=("user", user_id),
        data={"role": member.role, "api_keys_revoked": revoked},
    )
    changes.tell(session, user_id)


async def must_be_able_to_own(session: AsyncSession, settings: Settings, user_id: UUID) -> None:
    """Raises MemberLeaving or TooManyTeams."""
    if (await users.get_user(session, user_id)).erase_at is not None:
        raise MemberLeaving
    most = settings.auth.owned_teams
    if await queries.count_owned_teams(session, user_id) >= most:
        raise TooManyTeams(f"One user owns at most {most} teams.", limit=most)


async def withdraw_what_is_beyond(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, role: WorkspaceRole | None
) -> None:
    """The open invitations somebody sent, to roles they could no longer give: so nobody comes back by the window."""
    if role is not None and Scope.WORKSPACE_WRITE in ROLE_SCOPES[role]:
        beyond = [other for other in WorkspaceRole if RANK[other] > RANK[role]]
    else:
        beyond = list(WorkspaceRole)
    await queries.revoke_invitations_by(session, workspace_id, user_id, beyond, clock.now())


async def _find(session: AsyncSession, seat: Seat, user_id: UUID) -> Member:
    member = await queries.find_member(session, seat.workspace.id, user_id)
    if member is None:
        raise MemberNotFound
    return member


async def _must_not_be_last(session: AsyncSession, seat: Seat, user_id: UUID) -> None:
    """Who waits for the end of their account will be gone soon: an owner has to stay."""
    if not await queries.has_other_owner(session, seat.workspace.id, user_id):
        raise LastOwner
