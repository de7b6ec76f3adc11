from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.secret_rotate import SecretRotate
from ...models.webhook_endpoint_secret import WebhookEndpointSecret
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> WebhookEndpointSecret:
    response_200 = WebhookEndpointSecret.from_dict(response.json())

    return response_200


def rotate_webhook_secret(
    endpoint_id: str,
    *,
    body: None | SecretRotate | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[WebhookEndpointSecret]:
    """Give a webhook endpoint a new secret, which is in this answer only. The old one signs too until the overlap
    ends.

    To end a secret that leaked, say `"overlap_seconds": 0`."""
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
        "/v1/webhook-endpoints/{endpoint_id}/rotate-secret".format(
            endpoint_id=quote(str(endpoint_id), safe=""),
        ),
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
