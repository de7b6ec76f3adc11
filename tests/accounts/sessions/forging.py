"""Making tokens by hand, wrong ones above all."""

import base64
import hashlib
import hmac
import json
from typing import Any


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def packed(value: Any) -> str:
    return b64(json.dumps(value).encode())


def unpacked(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def signed(header: dict[str, Any], claims: Any, secret: bytes) -> str:
    """With HMAC-SHA256, whatever the header says."""
    head = f"{packed(header)}.{packed(claims)}"
    return f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"
