from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.admin_user_read import AdminUserRead
from ...models.suspension import Suspension


def _parse(response: httpx.Response) -> AdminUserRead:
    response_200 = AdminUserRead.from_dict(response.json())

    return response_200


def suspend_user(
    user_id: str,
    *,
    body: Suspension,
) -> _calls.Call[AdminUserRead]:
    """Suspend a user: sessions and API keys stop within seconds, until they are reinstated."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/admin/users/{user_id}/suspend".format(
            user_id=quote(str(user_id), safe=""),
        ),
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
