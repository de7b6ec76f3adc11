from typing import Any

import httpx

from .... import _calls
from ...models.list_users_role_type_0 import ListUsersRoleType0
from ...models.list_users_status_type_0 import ListUsersStatusType0
from ...models.page_admin_user_read import PageAdminUserRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageAdminUserRead:
    response_200 = PageAdminUserRead.from_dict(response.json())

    return response_200


def list_users(
    *,
    email: None | str | Unset = UNSET,
    status: ListUsersStatusType0 | None | Unset = UNSET,
    role: ListUsersRoleType0 | None | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
) -> _calls.Call[PageAdminUserRead]:
    """List the users of the installation, newest first."""

    params: dict[str, Any] = {}

    json_email: None | str | Unset
    if isinstance(email, Unset):
        json_email = UNSET
    else:
        json_email = email
    params["email"] = json_email

    json_status: None | str | Unset
    if isinstance(status, Unset):
        json_status = UNSET
    elif isinstance(status, str):
        json_status = status
    else:
        json_status = status
    params["status"] = json_status

    json_role: None | str | Unset
    if isinstance(role, Unset):
        json_role = UNSET
    elif isinstance(role, str):
        json_role = role
    else:
        json_role = role
    params["role"] = json_role

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
        "/v1/admin/users",
        _parse,
        params=params,
        is_safe_twice=True,
    )
