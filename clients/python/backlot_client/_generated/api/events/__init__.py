from .create_ticket import create_ticket
from .get_event import get_event
from .list_events import list_events

__all__ = [
    "create_ticket",
    "get_event",
    "list_events",
]
