"""Who may do what in a workspace: each role as the scopes its members have."""

from app.accounts.errors import EmailUnverified
from app.accounts.models import Scope, WorkspaceRole
from app.accounts.schemas import CallerInfo

_READ = frozenset({Scope.TASKS_READ, Scope.ASSETS_READ, Scope.CREDITS_READ, Scope.WORKSPACE_READ})
_WORK = frozenset({Scope.TASKS_WRITE, Scope.ASSETS_WRITE})
_RUN = frozenset({Scope.KEYS_READ, Scope.KEYS_WRITE, Scope.WORKSPACE_WRITE, Scope.AUDIT_READ})

ROLE_SCOPES: dict[str, frozenset[Scope]] = {
    WorkspaceRole.VIEWER: _READ,
    WorkspaceRole.MEMBER: _READ | _WORK,
    WorkspaceRole.ADMIN: _READ | _WORK | _RUN,
    WorkspaceRole.OWNER: _READ | _WORK | _RUN,
}
"""Only owners, besides, make owners, hand the workspace over and delete it: that is asked by role."""

RANK: dict[str, int] = {role: rank for rank, role in enumerate(reversed(WorkspaceRole))}
"""Viewer 0 to owner 3."""

KEY_SCOPES = tuple(sorted(_READ | _WORK))
"""What a key may do when nothing else is said."""


def check_may_spend(caller: CallerInfo) -> None:
    """Live credits are spent by those alone whose address is verified. Raises EmailUnverified."""
    if caller.mode == "live" and not caller.is_verified:
        raise EmailUnverified
