from .cancel_task import cancel_task
from .create_task import create_task
from .delete_task import delete_task
from .get_task import get_task
from .list_tasks import list_tasks
from .quote_task import quote_task
from .retry_task import retry_task

__all__ = [
    "cancel_task",
    "create_task",
    "delete_task",
    "get_task",
    "list_tasks",
    "quote_task",
    "retry_task",
]
