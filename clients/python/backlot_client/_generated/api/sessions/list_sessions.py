from typing import Any

import httpx

from .... import _calls
from ...models.page_session_read import PageSessionRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageSessionRead:
    response_200 = PageSessionRead.from_dict(response.json())

    return response_200


def list_sessions(
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageSessionRead]:
    """List where you are signed in, newest first."""

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
        "/v1/me/sessions",
        _parse,
        params=params,
        is_safe_twice=True,
    )
