from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.task_read import TaskRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> TaskRead:
    response_200 = TaskRead.from_dict(response.json())

    return response_200


def get_task(
    task_id: str,
    *,
    wait: float | Unset = 0.0,
) -> _calls.Call[TaskRead]:
    """Read a task. With `wait` the answer comes when the task ends, or when the seconds are over."""

    params: dict[str, Any] = {}

    params["wait"] = wait

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/tasks/{task_id}".format(
            task_id=quote(str(task_id), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
