from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.webhook_endpoint_read import WebhookEndpointRead
from ...models.webhook_endpoint_update import WebhookEndpointUpdate


def _parse(response: httpx.Response) -> WebhookEndpointRead:
    response_200 = WebhookEndpointRead.from_dict(response.json())

    return response_200


def update_webhook_endpoint(
    endpoint_id: str,
    *,
    body: WebhookEndpointUpdate,
) -> _calls.Call[WebhookEndpointRead]:
    """Change a webhook endpoint, disable it, or enable it again. What waits for one that is disabled is discarded."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "PATCH",
        "/v1/webhook-endpoints/{endpoint_id}".format(
            endpoint_id=quote(str(endpoint_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
