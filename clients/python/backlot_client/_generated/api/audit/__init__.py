from .list_audit_log import list_audit_log

__all__ = [
    "list_audit_log",
]
