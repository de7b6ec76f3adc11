from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.delivery_shown import DeliveryShown
from ...models.webhook_test import WebhookTest
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> DeliveryShown:
    response_202 = DeliveryShown.from_dict(response.json())

    return response_202


def send_webhook_test(
    endpoint_id: str,
    *,
    body: None | Unset | WebhookTest = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[DeliveryShown]:
    """Send an example event to a webhook endpoint, once. Nothing has happened: `GET /v1/events` does not have it."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}

    if isinstance(body, WebhookTest):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body

    return _calls.Call(
        "POST",
        "/v1/webhook-endpoints/{endpoint_id}/test".format(
            endpoint_id=quote(str(endpoint_id), safe=""),
        ),
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
