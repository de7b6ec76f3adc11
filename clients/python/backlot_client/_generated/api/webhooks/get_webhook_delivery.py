from urllib.parse import quote

import httpx

from .... import _calls
from ...models.delivery_read import DeliveryRead


def _parse(response: httpx.Response) -> DeliveryRead:
    response_200 = DeliveryRead.from_dict(response.json())

    return response_200


def get_webhook_delivery(
    delivery_id: str,
) -> _calls.Call[DeliveryRead]:
    """Read one delivery with all its attempts: what was sent, and what came back."""

    return _calls.Call(
        "GET",
        "/v1/webhook-deliveries/{delivery_id}".format(
            delivery_id=quote(str(delivery_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
