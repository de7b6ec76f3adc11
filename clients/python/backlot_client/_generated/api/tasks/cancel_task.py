from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.task_read import TaskRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> TaskRead:
    response_200 = TaskRead.from_dict(response.json())

    return response_200


def cancel_task(
    task_id: str,
    *,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[TaskRead]:
    """Cancel a task that has not ended: it stops, and its hold is given back."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    return _calls.Call(
        "POST",
        "/v1/tasks/{task_id}/cancel".format(
            task_id=quote(str(task_id), safe=""),
        ),
        _parse,
        headers=headers,
        is_safe_twice=True,
    )
