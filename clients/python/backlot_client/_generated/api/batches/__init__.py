from .cancel_batch import cancel_batch
from .create_batch import create_batch
from .get_batch import get_batch
from .list_batches import list_batches

__all__ = [
    "cancel_batch",
    "create_batch",
    "get_batch",
    "list_batches",
]
