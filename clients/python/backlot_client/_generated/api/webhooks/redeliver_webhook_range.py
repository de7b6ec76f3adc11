from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.range_redeliver import RangeRedeliver
from ...models.redelivered import Redelivered


def _parse(response: httpx.Response) -> Redelivered:
    response_200 = Redelivered.from_dict(response.json())

    return response_200


def redeliver_webhook_range(
    endpoint_id: str,
    *,
    body: RangeRedeliver,
) -> _calls.Call[Redelivered]:
    """Send the events of a time again, with the same `webhook-id`s; some thousands for each request.

    While `next_cursor` is not null there may be more: ask again with it."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/webhook-endpoints/{endpoint_id}/redeliver".format(
            endpoint_id=quote(str(endpoint_id), safe=""),
        ),
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
