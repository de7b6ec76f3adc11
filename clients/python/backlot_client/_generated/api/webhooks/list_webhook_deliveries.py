import datetime
from typing import Any

import httpx

from .... import _calls
from ...models.delivery_status import DeliveryStatus
from ...models.page_delivery_shown import PageDeliveryShown
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageDeliveryShown:
    response_200 = PageDeliveryShown.from_dict(response.json())

    return response_200


def list_webhook_deliveries(
    *,
    task_id: None | str | Unset = UNSET,
    status: list[DeliveryStatus] | None | Unset = UNSET,
    event_type: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageDeliveryShown]:
    """List what was sent to any webhook endpoint or `webhook_url`, or is to be, newest first."""

    params: dict[str, Any] = {}

    json_task_id: None | str | Unset
    if isinstance(task_id, Unset):
        json_task_id = UNSET
    else:
        json_task_id = task_id
    params["task_id"] = json_task_id

    json_status: list[str] | None | Unset
    if isinstance(status, Unset):
        json_status = UNSET
    elif isinstance(status, list):
        json_status = []
        for status_type_0_item_data in status:
            status_type_0_item: str = status_type_0_item_data
            json_status.append(status_type_0_item)

    else:
        json_status = status
    params["status"] = json_status

    json_event_type: None | str | Unset
    if isinstance(event_type, Unset):
        json_event_type = UNSET
    else:
        json_event_type = event_type
    params["event_type"] = json_event_type

    json_created_after: None | str | Unset
    if isinstance(created_after, Unset):
        json_created_after = UNSET
    elif isinstance(created_after, datetime.datetime):
        json_created_after = created_after.isoformat()
    else:
        json_created_after = created_after
    params["created_after"] = json_created_after

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
        "/v1/webhook-deliveries",
        _parse,
        params=params,
        is_safe_twice=True,
    )
