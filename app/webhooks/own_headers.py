"""Headers an endpoint wants with its deliveries: sealed where they rest, for they may be what lets us in there."""

import json

import structlog
from cryptography.fernet import InvalidToken

from app.core.sealing import Sealer

log = structlog.get_logger()
PURPOSE = "webhook headers"


def close(sealer: Sealer, headers: dict[str, str] | None) -> bytes | None:
    return sealer.seal(json.dumps(headers).encode()) if headers else None


def read(sealer: Sealer, sealed: bytes | None) -> dict[str, str]:
    """None of them when they were sealed with another secret of the installation's."""
    if sealed is None:
        return {}
    try:
        found: dict[str, str] = json.loads(sealer.open(sealed))
    except InvalidToken:
        log.warning("webhook_headers_lost", reason="sealed with another secret")
        return {}
    return found
