"""Keys of one purpose each, made from the one secret of the installation; and encryption of what rests."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet

from app.core.settings import Settings


def derive_key(settings: Settings, purpose: str) -> bytes:
    """32 bytes that tell nothing of the secret or of the key of any other purpose (HMAC-SHA256 of its name)."""
    return hmac.new(settings.secret.get_secret_value().encode(), purpose.encode(), hashlib.sha256).digest()


class Sealer:
    """Encrypts and authenticates (Fernet). What was sealed under another secret cannot be opened."""

    def __init__(self, settings: Settings, purpose: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derive_key(settings, purpose)))

    def seal(self, content: bytes) -> bytes:
        return self._fernet.encrypt(content)

    def open(self, sealed: bytes) -> bytes:
        """Raises cryptography.fernet.InvalidToken."""
        return self._fernet.decrypt(sealed)
