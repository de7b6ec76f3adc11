from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def delete_webhook_endpoint(
    endpoint_id: str,
) -> _calls.Call[None]:
    """Delete a webhook endpoint: nothing is sent there any more, but for what is under way."""

    return _calls.Call(
        "DELETE",
        "/v1/webhook-endpoints/{endpoint_id}".format(
            endpoint_id=quote(str(endpoint_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
