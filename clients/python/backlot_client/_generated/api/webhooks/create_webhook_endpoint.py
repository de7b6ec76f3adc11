from typing import Any

import httpx

from .... import _calls
from ...models.webhook_endpoint_create import WebhookEndpointCreate
from ...models.webhook_endpoint_secret import WebhookEndpointSecret
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> WebhookEndpointSecret:
    response_201 = WebhookEndpointSecret.from_dict(response.json())

    return response_201


def create_webhook_endpoint(
    *,
    body: WebhookEndpointCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[WebhookEndpointSecret]:
    """Have events sent to a URL. Its secret is in this answer only; a test key's endpoints get test events."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/webhook-endpoints",
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
