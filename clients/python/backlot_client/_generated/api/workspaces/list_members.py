from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.page_member_read import PageMemberRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageMemberRead:
    response_200 = PageMemberRead.from_dict(response.json())

    return response_200


def list_members(
    workspace_id: str,
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageMemberRead]:
    """List who is in a workspace, as what, the newest first."""

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
        "/v1/workspaces/{workspace_id}/members".format(
            workspace_id=quote(str(workspace_id), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
