from .get_me import get_me
from .get_preferences import get_preferences
from .put_preferences import put_preferences
from .update_me import update_me

__all__ = [
    "get_me",
    "get_preferences",
    "put_preferences",
    "update_me",
]
