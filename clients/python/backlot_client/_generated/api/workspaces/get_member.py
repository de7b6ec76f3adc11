from urllib.parse import quote

import httpx

from .... import _calls
from ...models.member_read import MemberRead


def _parse(response: httpx.Response) -> MemberRead:
    response_200 = MemberRead.from_dict(response.json())

    return response_200


def get_member(
    workspace_id: str,
    user_id: str,
) -> _calls.Call[MemberRead]:
    """Read one member."""

    return _calls.Call(
        "GET",
        "/v1/workspaces/{workspace_id}/members/{user_id}".format(
            workspace_id=quote(str(workspace_id), safe=""),
            user_id=quote(str(user_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
