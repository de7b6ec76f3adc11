from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> None:
    return None


def remove_member(
    workspace_id: str,
    user_id: str,
    *,
    keep_api_keys: bool | Unset = False,
) -> _calls.Call[None]:
    """Remove a member, or leave: that needs no more than a seat. The API keys they made here end with it."""

    params: dict[str, Any] = {}

    params["keep_api_keys"] = keep_api_keys

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "DELETE",
        "/v1/workspaces/{workspace_id}/members/{user_id}".format(
            workspace_id=quote(str(workspace_id), safe=""),
            user_id=quote(str(user_id), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
