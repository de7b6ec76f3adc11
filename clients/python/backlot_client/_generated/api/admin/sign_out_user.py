from urllib.parse import quote

import httpx

from .... import _calls
from ...models.admin_user_read import AdminUserRead


def _parse(response: httpx.Response) -> AdminUserRead:
    response_200 = AdminUserRead.from_dict(response.json())

    return response_200


def sign_out_user(
    user_id: str,
) -> _calls.Call[AdminUserRead]:
    """End all sessions of a user."""

    return _calls.Call(
        "POST",
        "/v1/admin/users/{user_id}/sign-out".format(
            user_id=quote(str(user_id), safe=""),
        ),
        _parse,
        is_safe_twice=False,
    )
