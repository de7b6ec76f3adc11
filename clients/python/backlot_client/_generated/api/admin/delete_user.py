from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.deletion_order import DeletionOrder
from ...models.deletion_read import DeletionRead


def _parse(response: httpx.Response) -> DeletionRead:
    response_202 = DeletionRead.from_dict(response.json())

    return response_202


def delete_user(
    user_id: str,
    *,
    body: DeletionOrder,
) -> _calls.Call[DeletionRead]:
    """Erase a user's account for good: at once, but for what is under way. Give its address as confirmation."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "DELETE",
        "/v1/admin/users/{user_id}".format(
            user_id=quote(str(user_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
