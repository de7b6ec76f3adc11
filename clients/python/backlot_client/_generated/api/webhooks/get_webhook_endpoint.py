from urllib.parse import quote

import httpx

from .... import _calls
from ...models.webhook_endpoint_read import WebhookEndpointRead


def _parse(response: httpx.Response) -> WebhookEndpointRead:
    response_200 = WebhookEndpointRead.from_dict(response.json())

    return response_200


def get_webhook_endpoint(
    endpoint_id: str,
) -> _calls.Call[WebhookEndpointRead]:
    """Read one webhook endpoint, and how it is doing."""

    return _calls.Call(
        "GET",
        "/v1/webhook-endpoints/{endpoint_id}".format(
            endpoint_id=quote(str(endpoint_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
