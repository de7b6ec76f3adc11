from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.task_read import TaskRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> TaskRead:
    response_202 = TaskRead.from_dict(response.json())

    return response_202


def retry_task(
    task_id: str,
    *,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[TaskRead]:
    """Try a failed or canceled task again, at its quoted price. Steps that are done are not repeated."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    return _calls.Call(
        "POST",
        "/v1/tasks/{task_id}/retry".format(
            task_id=quote(str(task_id), safe=""),
        ),
        _parse,
        headers=headers,
        is_safe_twice=True,
    )
