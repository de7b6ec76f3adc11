from urllib.parse import quote

import httpx

from .... import _calls
from ...models.admin_user_detail import AdminUserDetail


def _parse(response: httpx.Response) -> AdminUserDetail:
    response_200 = AdminUserDetail.from_dict(response.json())

    return response_200


def get_user(
    user_id: str,
) -> _calls.Call[AdminUserDetail]:
    """Read one user."""

    return _calls.Call(
        "GET",
        "/v1/admin/users/{user_id}".format(
            user_id=quote(str(user_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
