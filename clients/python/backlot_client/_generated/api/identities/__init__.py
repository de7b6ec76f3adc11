from .get_identity import get_identity
from .link_identity import link_identity
from .list_identities import list_identities
from .unlink_identity import unlink_identity

__all__ = [
    "get_identity",
    "link_identity",
    "list_identities",
    "unlink_identity",
]
