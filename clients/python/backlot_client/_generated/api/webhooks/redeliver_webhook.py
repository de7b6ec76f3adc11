from urllib.parse import quote

import httpx

from .... import _calls
from ...models.delivery_shown import DeliveryShown


def _parse(response: httpx.Response) -> DeliveryShown:
    response_202 = DeliveryShown.from_dict(response.json())

    return response_202


def redeliver_webhook(
    delivery_id: str,
) -> _calls.Call[DeliveryShown]:
    """Send one again, at once and with the same `webhook-id`, whatever became of it before."""

    return _calls.Call(
        "POST",
        "/v1/webhook-deliveries/{delivery_id}/redeliver".format(
            delivery_id=quote(str(delivery_id), safe=""),
        ),
        _parse,
        is_safe_twice=False,
    )
