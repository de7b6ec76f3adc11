from .delete_user import delete_user
from .get_user import get_user
from .list_users import list_users
from .list_whole_audit_log import list_whole_audit_log
from .reinstate_user import reinstate_user
from .sign_out_user import sign_out_user
from .suspend_user import suspend_user
from .verify_audit_log import verify_audit_log
from .verify_ledger import verify_ledger

__all__ = [
    "delete_user",
    "get_user",
    "list_users",
    "list_whole_audit_log",
    "reinstate_user",
    "sign_out_user",
    "suspend_user",
    "verify_audit_log",
    "verify_ledger",
]
