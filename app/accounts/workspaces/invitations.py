"""Rules of invitations: sent to an address, open for a week, accepted by whoever has the account of that address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.errors import EmailUnverified
from app.accounts.models import Member, User, UserStatus, WorkspaceRole
from app.accounts.schemas import CallerInfo
from app.accounts.users import queries as users
from app.accounts.users.mailboxes import canonical, masked
from app.accounts.users.service import normal_address
from app.accounts.workspaces import members, queries
from app.accounts.workspaces.errors import AlreadyMember, InvitationNotFound, OtherInvitee
from app.accounts.workspaces.models import Invitation
from app.accounts.workspaces.schemas import InvitationCreate, InvitationShown
from app.accounts.workspaces.seats import Seat
from app.core import clock, throttle
from app.core.db import Database
from app.core.paging import PageRequest, cut
from app.core.settings import Settings
from app.core.throttle import Limit
from app.mail import service as mail

LIFE = timedelta(days=7)
HOUR = 3600.0
BY_WORKSPACE = Limit("invitations of a workspace", 50, HOUR)
BY_USER = Limit("invitations by a user", 50, HOUR)
TO_MAILBOX = Limit("invitations to a mailbox", 10, HOUR)
"""Whoever sends them, and to whichever workspaces: nobody's mailbox is filled through us."""


async def list_invitations(
    session: AsyncSession, seat: Seat, page: PageRequest
) -> tuple[Sequence[Invitation], str | None]:
    """Those that are open, expired ones too: they can be sent again."""
    return cut(await queries.list_open_invitations(session, page, workspace_id=seat.workspace.id), page)


async def get_invitation(session: AsyncSession, seat: Seat, invitation_id: UUID) -> Invitation:
    """One that is open; it may have expired. Raises InvitationNotFound."""
    invitation = await queries.find_open_invitation(
        session, workspace_id=seat.workspace.id, invitation_id=invitation_id
    )
    if invitation is None:
        raise InvitationNotFound
    return invitation


@dataclass(frozen=True, slots=True)
class Desk:
    """What sending takes besides the rows: limits are counted at once, whatever becomes of the transaction."""

    database: Database
    settings: Settings


async def invite(session: AsyncSession, desk: Desk, seat: Seat, actor: Actor, order: InvitationCreate) -> Invitation:
    """Offer a seat to whoever has the address; to one that has an open offer, send it again, perhaps as another role.

    Raises EmailUnverified, PersonalWorkspace, ForbiddenRole, AlreadyMember, TooManyAttempts or InvalidRequest.
    """
    _must_be_verified(seat.caller)
    seat.must_be_of_a_team()
    seat.must_own_for(order.role, "invites owners")
    address = normal_address(order.email).lower()
    if await queries.find_member_with_address(session, seat.workspace.id, address) is not None:
        raise AlreadyMember
    invitation = await queries.find_open_invitation(session, workspace_id=seat.workspace.id, email=address)
    if invitation is None:
        invitation = Invitation(
            workspace_id=seat.workspace.id, email=address, role=order.role, invited_by=seat.caller.user_id
        )
        session.add(invitation)
    else:
        seat.must_own_for(invitation.role, "changes the invitation of an owner")
        invitation.role, invitation.invited_by = order.role, seat.caller.user_id
    await _send(session, desk, seat, actor, invitation)
    return invitation


async def resend(session: AsyncSession, desk: Desk, seat: Seat, actor: Actor, invitation_id: UUID) -> Invitation:
    """The same link once more, good for another week: the invitation is the caller's from now on.

    Raises EmailUnverified, InvitationNotFound, ForbiddenRole or TooManyAttempts.
    """
    _must_be_verified(seat.caller)
    invitation = await get_invitation(session, seat, invitation_id)
    seat.must_own_for(invitation.role, "invites owners")
    invitation.invited_by = seat.caller.user_id
    await _send(session, desk, seat, actor, invitation)
    return invitation


async def withdraw(session: AsyncSession, seat: Seat, actor: Actor, invitation_id: UUID) -> None:
    """From now on its link opens nothing. Raises InvitationNotFound or ForbiddenRole."""
    invitation = await get_invitation(session, seat, invitation_id)
    seat.must_own_for(invitation.role, "withdraws the invitation of an owner")
    invitation.revoked_at = clock.now()
    _record(session, actor, "invitation.withdrawn", invitation)


async def show(session: AsyncSession, invitation_id: UUID | None) -> InvitationShown:
    """Who invites whom to what, for whoever has the link. Raises InvitationNotFound."""
    invitation = await queries.find_invitation(session, invitation_id) if invitation_id else None
    if invitation is None:
        raise InvitationNotFound
    workspace = await queries.find_workspace(session, invitation.workspace_id)
    inviter = await users.get_user(session, invitation.invited_by)
    if workspace is None or not _is_good(invitation, inviter):
        raise InvitationNotFound
    return InvitationShown(
        workspace=workspace.name,
        inviter=inviter.name or masked(inviter.email),
        role=WorkspaceRole(invitation.role),
        email=masked(invitation.email),
        expires_at=invitation.expires_at,
    )


async def accept(
    session: AsyncSession, settings: Settings, caller: CallerInfo, actor: Actor, invitation_id: UUID | None
) -> Seat:
    """Take the seat that was offered. Again, by the same user, it is the same seat.

    Raises InvitationNotFound, OtherInvitee, EmailUnverified, MemberLeaving or TooManyTeams.
    """
    found = await queries.find_invitation(session, invitation_id) if invitation_id else None
    workspace = await queries.find_workspace(session, found.workspace_id, lock=True) if found else None
    # Once more: from now on nobody else changes it.
    invitation = await queries.find_invitation(session, found.id) if found and workspace else None
    if invitation is None or workspace is None:
        raise InvitationNotFound
    user = await users.get_user(session, caller.user_id)
    member = await queries.find_member(session, workspace.id, user.id)
    is_theirs = user.email.lower() == invitation.email.lower()
    if is_theirs and member is not None and invitation.accepted_at is not None:
        return Seat(caller, workspace, member.role)
    if not _is_good(invitation, await users.get_user(session, invitation.invited_by)):
        raise InvitationNotFound
    if not is_theirs:
        raise OtherInvitee(f"This invitation was sent to {masked(invitation.email)}: sign in with that account.")
    if user.email_verified_at is None:
        raise EmailUnverified
    invitation.accepted_at = clock.now()
    if member is None:
        if invitation.role == WorkspaceRole.OWNER:
            await members.must_be_able_to_own(session, settings, user.id)
        member = Member(workspace_id=workspace.id, user_id=user.id, role=invitation.role)
        session.add(member)
    _record(session, actor, "invitation.accepted", invitation)
    changes.tell(session, user.id)
    return Seat(caller, workspace, member.role)


def _is_good(invitation: Invitation, inviter: User) -> bool:
    """Open still, and nobody suspended or on their way out has let in who comes."""
    is_open = invitation.accepted_at is None and invitation.revoked_at is None and invitation.expires_at > clock.now()
    return is_open and inviter.status == UserStatus.ACTIVE and inviter.erase_at is None


def _must_be_verified(caller: CallerInfo) -> None:
    if not caller.is_verified:
        raise EmailUnverified


async def _send(session: AsyncSession, desk: Desk, seat: Seat, actor: Actor, invitation: Invitation) -> None:
    """The mail tells `workspace` and `inviter`, names, and `role`; its link leads to `accept-invitation`."""
    await throttle.take(
        desk.database,
        desk.settings,
        (BY_WORKSPACE, str(seat.workspace.id)),
        (BY_USER, str(seat.caller.user_id)),
        (TO_MAILBOX, canonical(invitation.email)),
    )
    invitation.expires_at = clock.now() + LIFE
    await session.flush()
    inviter = await users.get_user(session, seat.caller.user_id)
    invitee: User | None = await users.find_user(session, invitation.email)
    mail.post(
        session,
        "invitation",
        to=invitation.email,
        locale=(invitee or inviter).locale,
        workspace_id=seat.workspace.id,
        facts={
            "workspace": seat.workspace.name,
            "inviter": inviter.name or inviter.email,
            "role": str(invitation.role),
        },
        token_id=invitation.id,
        expires_at=invitation.expires_at,
    )
    _record(session, actor, "invitation.sent", invitation)


def _record(session: AsyncSession, actor: Actor, action: str, invitation: Invitation) -> None:
    audit.record(
        session,
        actor,
        action,
        workspace_id=invitation.workspace_id,
        target=("invitation", invitation.id),
        data={"email": invitation.email, "role": str(invitation.role)},
    )
