from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.member_read import MemberRead
from ...models.member_update import MemberUpdate


def _parse(response: httpx.Response) -> MemberRead:
    response_200 = MemberRead.from_dict(response.json())

    return response_200


def update_member(
    workspace_id: str,
    user_id: str,
    *,
    body: MemberUpdate,
) -> _calls.Call[MemberRead]:
    """Change a member's role. Admins manage everybody but owners; owners everybody."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "PATCH",
        "/v1/workspaces/{workspace_id}/members/{user_id}".format(
            workspace_id=quote(str(workspace_id), safe=""),
            user_id=quote(str(user_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
