from .begin_oauth import begin_oauth
from .confirm_identity import confirm_identity
from .exchange_oauth_code import exchange_oauth_code
from .finish_oauth import finish_oauth
from .list_oauth_providers import list_oauth_providers

__all__ = [
    "begin_oauth",
    "confirm_identity",
    "exchange_oauth_code",
    "finish_oauth",
    "list_oauth_providers",
]
