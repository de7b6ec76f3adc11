from typing import Any

import httpx

from .... import _calls
from ...models.deletion_order import DeletionOrder
from ...models.deletion_read import DeletionRead


def _parse(response: httpx.Response) -> DeletionRead:
    response_202 = DeletionRead.from_dict(response.json())

    return response_202


def delete_me(
    *,
    body: DeletionOrder,
) -> _calls.Call[DeletionRead]:
    """Delete your account when the grace is over: you are signed out, and it is locked until then."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "DELETE",
        "/v1/me",
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
