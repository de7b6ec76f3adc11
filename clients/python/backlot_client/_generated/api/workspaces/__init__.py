from .accept_invitation import accept_invitation
from .create_invitation import create_invitation
from .create_workspace import create_workspace
from .delete_workspace import delete_workspace
from .get_invitation import get_invitation
from .get_member import get_member
from .get_workspace import get_workspace
from .list_invitations import list_invitations
from .list_members import list_members
from .list_workspaces import list_workspaces
from .remove_member import remove_member
from .resend_invitation import resend_invitation
from .show_invitation import show_invitation
from .transfer_workspace import transfer_workspace
from .update_member import update_member
from .update_workspace import update_workspace
from .withdraw_invitation import withdraw_invitation

__all__ = [
    "accept_invitation",
    "create_invitation",
    "create_workspace",
    "delete_workspace",
    "get_invitation",
    "get_member",
    "get_workspace",
    "list_invitations",
    "list_members",
    "list_workspaces",
    "remove_member",
    "resend_invitation",
    "show_invitation",
    "transfer_workspace",
    "update_member",
    "update_workspace",
    "withdraw_invitation",
]
