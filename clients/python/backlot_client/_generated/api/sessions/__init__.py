from .confirm_session import confirm_session
from .end_other_sessions import end_other_sessions
from .end_session import end_session
from .get_session import get_session
from .list_sessions import list_sessions
from .log_out import log_out
from .log_out_everywhere import log_out_everywhere
from .refresh_session import refresh_session

__all__ = [
    "confirm_session",
    "end_other_sessions",
    "end_session",
    "get_session",
    "list_sessions",
    "log_out",
    "log_out_everywhere",
    "refresh_session",
]
