import datetime
from typing import Any

import httpx

from .... import _calls
from ...models.page_task_read import PageTaskRead
from ...models.task_status import TaskStatus
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageTaskRead:
    response_200 = PageTaskRead.from_dict(response.json())

    return response_200


def list_tasks(
    *,
    status: list[TaskStatus] | None | Unset = UNSET,
    operation: None | str | Unset = UNSET,
    batch_id: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageTaskRead]:
    """List the workspace's tasks, newest first. `metadata[key]=value` finds those whose metadata has it."""

    params: dict[str, Any] = {}

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

    json_operation: None | str | Unset
    if isinstance(operation, Unset):
        json_operation = UNSET
    else:
        json_operation = operation
    params["operation"] = json_operation

    json_batch_id: None | str | Unset
    if isinstance(batch_id, Unset):
        json_batch_id = UNSET
    else:
        json_batch_id = batch_id
    params["batch_id"] = json_batch_id

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
        "/v1/tasks",
        _parse,
        params=params,
        is_safe_twice=True,
    )
