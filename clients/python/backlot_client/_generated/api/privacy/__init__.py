from .create_export import create_export
from .delete_me import delete_me
from .list_exports import list_exports
from .restore_me import restore_me

__all__ = [
    "create_export",
    "delete_me",
    "list_exports",
    "restore_me",
]
