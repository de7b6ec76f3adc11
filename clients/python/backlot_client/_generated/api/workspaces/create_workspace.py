from typing import Any

import httpx

from .... import _calls
from ...models.workspace_create import WorkspaceCreate
from ...models.workspace_read import WorkspaceRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> WorkspaceRead:
    response_201 = WorkspaceRead.from_dict(response.json())

    return response_201


def create_workspace(
    *,
    body: WorkspaceCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[WorkspaceRead]:
    """Make a team, of which you are the owner."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/workspaces",
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
