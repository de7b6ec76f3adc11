"""Who may do what: each role as the scopes its members have, and what each operation needs."""

from dataclasses import dataclass, replace

from app.accounts.errors import EmailUnverified
from app.accounts.models import Scope, WorkspaceRole
from app.accounts.schemas import CallerInfo

_READ = frozenset({Scope.TASKS_READ, Scope.ASSETS_READ, Scope.CREDITS_READ, Scope.WORKSPACE_READ, Scope.EVENTS_READ})
_WORK = frozenset({Scope.TASKS_WRITE, Scope.ASSETS_WRITE})
_RUN = frozenset(
    {
        Scope.KEYS_READ,
        Scope.KEYS_WRITE,
        Scope.WORKSPACE_WRITE,
        Scope.AUDIT_READ,
        Scope.WEBHOOKS_READ,
        Scope.WEBHOOKS_WRITE,
    }
)

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


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation asks of its caller; nothing of any: it is public."""

    scope: Scope | None = None
    """Of an API key, and of a user's role in the workspace."""
    user: bool = False
    """Somebody who is signed in; no API key."""
    confirmed: bool = False
    """Who has proved again who they are within the last minutes."""
    owner: bool = False
    """An owner of the workspace."""
    admin: bool = False
    """An admin of the installation."""
    leaving: bool = False
    """Users may also while their account waits for its deletion."""

    @property
    def is_public(self) -> bool:
        return self == PUBLIC

    def has(self, role: str) -> bool:
        """Whether members with this role may, as far as their role counts."""
        return (self.scope is None or self.scope in ROLE_SCOPES[role]) and (
            not self.owner or role == WorkspaceRole.OWNER
        )


PUBLIC = Need()
USER = Need(user=True)
CONFIRMED = Need(user=True, confirmed=True)
USER_OR_LEAVING = replace(USER, leaving=True)
ADMIN = Need(user=True, admin=True)


def _each(need: Need, *operations: str) -> dict[str, Need]:
    return dict.fromkeys(operations, need)


NEEDS: dict[str, Need] = {
    **_each(PUBLIC, "list_models", "list_operations", "list_presets", "list_problems", "get_live", "get_ready"),
    # These look at something in the request that only its sender can have.
    **_each(PUBLIC, "receive_callback", "show_invitation", "verify_email", "reset_password", "confirm_email_change"),
    **_each(PUBLIC, "sign_up", "resend_verification", "log_in", "forgot_password"),
    **_each(PUBLIC, "refresh_session", "confirm_session"),
    **_each(PUBLIC, "list_oauth_providers", "begin_oauth", "finish_oauth", "exchange_oauth_code", "confirm_identity"),
    **_each(USER, "change_email", "list_identities", "get_identity"),
    **_each(USER_OR_LEAVING, "change_password", "log_out", "log_out_everywhere"),
    **_each(USER_OR_LEAVING, "list_sessions", "get_session", "end_session", "end_other_sessions"),
    **_each(CONFIRMED, "link_identity", "unlink_identity"),
    **_each(Need(Scope.TASKS_READ), "list_tasks", "get_task", "stream_task_events", "quote_task"),
    **_each(Need(Scope.TASKS_READ), "list_batches", "get_batch", "stream_batch_events", "list_provider_health"),
    **_each(Need(Scope.TASKS_WRITE), "create_task", "cancel_task", "retry_task", "delete_task"),
    **_each(Need(Scope.TASKS_WRITE), "create_batch", "cancel_batch"),
    **_each(Need(Scope.ASSETS_READ), "list_assets", "get_asset", "get_asset_content"),
    **_each(Need(Scope.ASSETS_WRITE), "create_asset", "update_asset", "delete_asset"),
    **_each(Need(Scope.CREDITS_READ), "get_credits", "list_credit_grants"),
    **_each(Need(Scope.CREDITS_READ), "list_credit_transactions", "export_credit_transactions"),
    **_each(Need(Scope.KEYS_READ), "list_api_keys", "get_api_key"),
    **_each(Need(Scope.KEYS_WRITE), "create_api_key", "update_api_key", "rotate_api_key", "revoke_api_key"),
    **_each(Need(Scope.WORKSPACE_READ, leaving=True), "get_me"),
    **_each(Need(Scope.WORKSPACE_READ), "list_workspaces", "get_workspace"),
    **_each(Need(Scope.WORKSPACE_READ), "list_members", "get_member", "list_invitations", "get_invitation"),
    # To leave takes no more than a seat; to remove others takes WORKSPACE_WRITE, which is asked by the service.
    **_each(Need(Scope.WORKSPACE_READ), "remove_member"),
    **_each(Need(Scope.WORKSPACE_WRITE), "update_workspace", "update_member", "update_credits"),
    **_each(Need(Scope.WORKSPACE_WRITE), "create_invitation", "resend_invitation", "withdraw_invitation"),
    **_each(
        Need(Scope.WORKSPACE_WRITE, user=True, confirmed=True, owner=True), "delete_workspace", "transfer_workspace"
    ),
    **_each(Need(Scope.AUDIT_READ), "list_audit_log"),
    **_each(Need(Scope.EVENTS_READ), "list_events", "get_event", "stream_events", "create_ticket"),
    **_each(Need(Scope.WEBHOOKS_READ), "list_webhook_endpoints", "get_webhook_endpoint", "list_endpoint_deliveries"),
    **_each(Need(Scope.WEBHOOKS_READ), "list_webhook_deliveries", "get_webhook_delivery", "get_webhook_signing_secret"),
    **_each(Need(Scope.WEBHOOKS_WRITE), "create_webhook_endpoint", "update_webhook_endpoint"),
    **_each(Need(Scope.WEBHOOKS_WRITE), "delete_webhook_endpoint", "rotate_webhook_secret", "send_webhook_test"),
    **_each(Need(Scope.WEBHOOKS_WRITE), "redeliver_webhook", "redeliver_webhook_range"),
    **_each(Need(Scope.WEBHOOKS_WRITE), "rotate_webhook_signing_secret"),
    **_each(replace(CONFIRMED, leaving=True), "create_export", "delete_me"),
    **_each(USER_OR_LEAVING, "list_exports", "restore_me"),
    **_each(ADMIN, "list_users", "get_user", "list_whole_audit_log", "verify_audit_log", "verify_ledger"),
    **_each(
        Need(user=True, confirmed=True, admin=True), "suspend_user", "reinstate_user", "sign_out_user", "delete_user"
    ),
    **_each(USER, "update_me", "get_preferences", "put_preferences", "create_workspace", "accept_invitation"),
}
"""What each operation needs, by its id. Tests hold it against the routes; `make openapi` writes docs/permissions.md."""
