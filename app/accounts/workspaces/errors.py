"""Why a change to a workspace, its members or its invitations is refused."""

from app.core.problems import Problem


class MemberNotFound(Problem):
    """There is no such member in this workspace.

    `GET /v1/workspaces/{workspace_id}/members` lists them.
    """

    status = 404


class InvitationNotFound(Problem):
    """There is no such invitation, or it is no longer open.

    It may have been accepted, withdrawn, or have expired: ask whoever invited you for another.
    """

    status = 404


class ForbiddenRole(Problem):
    """Your role in this workspace does not allow this.

    Admins manage everybody but owners; only owners make owners, hand a workspace over and delete it. API keys act as
    admins at most.
    """

    status = 403


class LiveKeyRequired(Problem):
    """A test key cannot do this.

    Test keys see and change test data only. Use a live key, or sign in.
    """

    status = 403


class OtherInvitee(Problem):
    """The invitation was sent to another address than your account has.

    Sign in with the account of the address the invitation was sent to, or ask to be invited at your own.
    """

    status = 403


class PersonalWorkspace(Problem):
    """A personal workspace has one owner, for good.

    Make a team with `POST /v1/workspaces`: that is what can have members, be handed over and be deleted.
    """

    status = 409


class LastOwner(Problem):
    """A team has to have an owner.

    Make another member an owner first, hand the team over with `POST /v1/workspaces/{workspace_id}/transfer`, or
    delete it.
    """

    status = 409


class MemberLeaving(Problem):
    """The member's account is to be deleted, so they cannot become an owner.

    Choose another member, or have them keep their account first.
    """

    status = 409


class AlreadyMember(Problem):
    """Who has this address is in this workspace already.

    Change their role with `PATCH /v1/workspaces/{workspace_id}/members/{user_id}`.
    """

    status = 409


class WorkspaceBusy(Problem):
    """Tasks of this workspace are still open.

    Cancel them, or wait until they have ended; then delete the workspace.
    """

    status = 409


class TooManyTeams(Problem):
    """There are as many teams as one user may own.

    Delete one, or hand one over.
    """

    status = 409
