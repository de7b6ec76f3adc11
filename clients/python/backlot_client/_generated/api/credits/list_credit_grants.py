from typing import Any

import httpx

from .... import _calls
from ...models.page_grant_read import PageGrantRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageGrantRead:
    response_200 = PageGrantRead.from_dict(response.json())

    return response_200


def list_credit_grants(
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageGrantRead]:
    """List what the balance is made of: the grants and purchases with something left, newest first.

    Tasks use up the lowest priority first, then what expires soonest, then the oldest."""

    params: dict[str, Any] = {}

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
        "/v1/credits/grants",
        _parse,
        params=params,
        is_safe_twice=True,
    )
