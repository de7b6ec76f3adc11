from typing import Any

import httpx

from .... import _calls
from ...models.page_export_read import PageExportRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageExportRead:
    response_200 = PageExportRead.from_dict(response.json())

    return response_200


def list_exports(
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageExportRead]:
    """List your archives, newest first, with fresh links to those that are ready."""

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
        "/v1/me/export",
        _parse,
        params=params,
        is_safe_twice=True,
    )
