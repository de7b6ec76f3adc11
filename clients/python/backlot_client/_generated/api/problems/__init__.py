from .list_problems import list_problems

__all__ = [
    "list_problems",
]
