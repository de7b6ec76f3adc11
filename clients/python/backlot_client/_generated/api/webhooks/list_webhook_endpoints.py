from typing import Any

import httpx

from .... import _calls
from ...models.page_webhook_endpoint_read import PageWebhookEndpointRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageWebhookEndpointRead:
    response_200 = PageWebhookEndpointRead.from_dict(response.json())

    return response_200


def list_webhook_endpoints(
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageWebhookEndpointRead]:
    """List the workspace's webhook endpoints, newest first."""

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_cursor: None | str | Unset
    if isinstance(cursor, Unset):
        json_cursor = UNSET
    else:
        json_cursor = cursor
    params["cursor"] = json_cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/webhook-endpoints",
        _parse,
        params=params,
        is_safe_twice=True,
    )
