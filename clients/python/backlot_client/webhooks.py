"""Whether a webhook is from your Backlot: Standard Webhooks, versions v1 (shared secret) and v1a (public key)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping, Sequence

from backlot_client.errors import WebhookVerificationError
from backlot_client.events import Event

TOLERANCE_SECONDS = 300.0


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> Event:
    """The event, once one of its signatures is found to be made with the secret, or one of the secrets.

    `body` is what was received, byte for byte, before anything parsed it. A secret is `whsec_…`, or a public key
    `whpk_…`, for which `cryptography` has to be installed. Raises WebhookVerificationError.
    """
    raw = body.encode() if isinstance(body, str) else bytes(body)
    given = {name.lower(): value for name, value in headers.items()}
    try:
        id_, stamp, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise WebhookVerificationError(f"the header {error.args[0]} is missing") from None
    _check_age(stamp, tolerance_seconds, time.time() if now is None else now)
    signed = f"{id_}.{stamp}.".encode() + raw
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets:
        raise ValueError("no secret was given")
    if not any(_is_signed_with(one, signed, signatures) for one in secrets):
        raise WebhookVerificationError("no signature matches")
    try:
        return Event.from_dict(json.loads(raw), id=id_)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WebhookVerificationError("it is signed, but no event") from error


def _check_age(stamp: str, tolerance: float, now: float) -> None:
    if not (stamp.isascii() and stamp.isdigit()):
        raise WebhookVerificationError("webhook-timestamp is no time")
    if abs(now - int(stamp)) > tolerance:
        raise WebhookVerificationError(f"it was sent more than {tolerance:g} s ago, or in the future")


def _is_signed_with(secret: str, signed: bytes, signatures: str) -> bool:
    if secret.startswith("whpk_"):
        return _is_signed_by(_key(secret, "whpk_"), signed, _of_version(signatures, "v1a"))
    made = hmac.new(_key(secret, "whsec_"), signed, hashlib.sha256).digest()
    return any(hmac.compare_digest(made, one) for one in _of_version(signatures, "v1"))


def _key(secret: str, prefix: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(prefix), validate=True)
    except binascii.Error:
        raise ValueError(f"the secret is not {prefix} and base64") from None


def _of_version(signatures: str, wanted: str) -> Iterator[bytes]:
    """Those that cannot be read are none."""
    for entry in signatures.split(" "):
        version, _, value = entry.partition(",")
        if version == wanted:
            try:
                yield base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                continue


def _is_signed_by(key: bytes, signed: bytes, signatures: Iterator[bytes]) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise RuntimeError("to verify with a public key: pip install 'backlot-client[ed25519]'") from error
    public = Ed25519PublicKey.from_public_bytes(key)
    for signature in signatures:
        try:
            public.verify(signature, signed)
        except InvalidSignature:
            continue
        return True
    return False
