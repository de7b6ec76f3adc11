from typing import Any

import httpx

from .... import _calls
from ...models.task_create import TaskCreate
from ...models.task_read import TaskRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> TaskRead:
    response_202 = TaskRead.from_dict(response.json())

    return response_202


def create_task(
    *,
    body: TaskCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[TaskRead]:
    """Order a task: its price is held, and it is queued. The answer comes at once; then wait for its end."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/tasks",
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
