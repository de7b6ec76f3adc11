from typing import Any

import httpx

from .... import _calls
from ...models.secret_rotate import SecretRotate
from ...models.signing_secret_shown import SigningSecretShown
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> SigningSecretShown:
    response_200 = SigningSecretShown.from_dict(response.json())

    return response_200


def rotate_webhook_signing_secret(
    *,
    body: None | SecretRotate | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[SigningSecretShown]:
    """Get a new secret for deliveries to the `webhook_url` of tasks, in this answer only. So one gets the first,
    too.

    The old one signs too until the overlap ends."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}

    if isinstance(body, SecretRotate):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body

    return _calls.Call(
        "POST",
        "/v1/webhook-signing-secret/rotate",
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
