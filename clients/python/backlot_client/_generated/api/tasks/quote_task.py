from typing import Any

import httpx

from .... import _calls
from ...models.quote import Quote
from ...models.task_create import TaskCreate


def _parse(response: httpx.Response) -> Quote:
    response_200 = Quote.from_dict(response.json())

    return response_200


def quote_task(
    *,
    body: TaskCreate,
) -> _calls.Call[Quote]:
    """Price an order without placing it. URLs in it are not fetched, and nothing is kept."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/tasks/quote",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
