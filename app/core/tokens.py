"""Tokens of one-time links: made of the id of a row and a key of the installation's, so that none rests anywhere.

`bkl_` and 58 characters of URL-safe base64: the 16 bytes of the id, then 27 bytes of HMAC-SHA256 over it. What it is
good for stands in the row.
"""

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

from app.core.sealing import derive_key
from app.core.settings import Settings

_PREFIX = "bkl_"
_MAC = 27


def _mac(settings: Settings, token_id: UUID) -> bytes:
    return hmac.new(derive_key(settings, "links in mails"), token_id.bytes, hashlib.sha256).digest()[:_MAC]


def make(settings: Settings, token_id: UUID) -> str:
    """The token of the row with this id."""
    content = token_id.bytes + _mac(settings, token_id)
    return _PREFIX + base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def read(settings: Settings, text: str) -> UUID | None:
    """The id of the row it was made of; None when we did not make it."""
    if not text.startswith(_PREFIX) or not text.isascii() or len(text) != len(_PREFIX) + 58:
        return None
    try:
        content = base64.b64decode(text[len(_PREFIX) :] + "==", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    token_id = UUID(bytes=content[:16])
    return token_id if hmac.compare_digest(content[16:], _mac(settings, token_id)) else None
