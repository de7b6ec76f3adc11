"""Who acts in a workspace, and as what: the workspace is that of the path, whatever `X-Workspace-Id` says."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import MissingScope, WorkspaceNotFound
from app.accounts.models import Scope, Workspace, WorkspaceKind, WorkspaceRole
from app.accounts.permissions import RANK, ROLE_SCOPES
from app.accounts.schemas import CallerInfo
from app.accounts.workspaces import queries
from app.accounts.workspaces.errors import ForbiddenRole, LiveKeyRequired, PersonalWorkspace


@dataclass(frozen=True, slots=True)
class Seat:
    """A caller in a workspace."""

    caller: CallerInfo
    workspace: Workspace
    role: str | None
    """Of the user; of an API key its maker's, None when they are no longer a member."""

    @property
    def acts_as(self) -> str:
        """A key acts as an admin at most: what is an owner's takes somebody who is signed in."""
        role = self.role or WorkspaceRole.ADMIN
        if self.caller.key_id and RANK[role] > RANK[WorkspaceRole.ADMIN]:
            return WorkspaceRole.ADMIN
        return role

    def must_own_for(self, role: str, what: str) -> None:
        """Raises ForbiddenRole unless this is an owner, or `role` is none."""
        if role == WorkspaceRole.OWNER and self.acts_as != WorkspaceRole.OWNER:
            raise ForbiddenRole(f"Only an owner {what}.", required_role=WorkspaceRole.OWNER)

    def must_be_of_a_team(self) -> None:
        """Raises PersonalWorkspace."""
        if self.workspace.kind != WorkspaceKind.TEAM:
            raise PersonalWorkspace


async def take(
    session: AsyncSession, caller: CallerInfo, workspace_id: UUID, scope: Scope, *, changes: bool, by_test_keys: bool
) -> Seat:
    """The caller's seat, as the database says at this moment.

    With `changes` the workspace is locked: nobody else changes it, its members or its invitations until the end of the
    transaction. Raises WorkspaceNotFound, MissingScope or LiveKeyRequired.
    """
    if caller.key_id is not None and caller.workspace_id != workspace_id:
        raise WorkspaceNotFound
    workspace = await queries.find_workspace(session, workspace_id, lock=changes)
    if workspace is None:
        raise WorkspaceNotFound
    member = await queries.find_member(session, workspace_id, caller.user_id)
    if caller.key_id is None:
        if member is None:
            raise WorkspaceNotFound
        must_have(ROLE_SCOPES[member.role], scope, "Your role in this workspace")
    else:
        must_have(caller.scopes, scope, "This key")
        if caller.mode == "test" and not by_test_keys:
            raise LiveKeyRequired
    return Seat(caller, workspace, member.role if member else None)


def must_have(scopes: frozenset[str] | frozenset[Scope], scope: Scope, who: str) -> None:
    """Raises MissingScope."""
    if scope not in scopes:
        raise MissingScope(f"{who} lacks the scope {scope.value!r}.", required_scope=scope.value)
