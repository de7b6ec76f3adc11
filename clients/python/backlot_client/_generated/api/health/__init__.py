from .get_live import get_live
from .get_ready import get_ready

__all__ = [
    "get_live",
    "get_ready",
]
