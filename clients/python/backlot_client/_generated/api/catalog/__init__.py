from .list_models import list_models
from .list_operations import list_operations
from .list_presets import list_presets

__all__ = [
    "list_models",
    "list_operations",
    "list_presets",
]
