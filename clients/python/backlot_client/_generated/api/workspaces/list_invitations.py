from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.page_invitation_read import PageInvitationRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageInvitationRead:
    response_200 = PageInvitationRead.from_dict(response.json())

    return response_200


def list_invitations(
    workspace_id: str,
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageInvitationRead]:
    """List the open invitations, the newest first; expired ones too, which can be sent again."""

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
        "/v1/workspaces/{workspace_id}/invitations".format(
            workspace_id=quote(str(workspace_id), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
