from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.workspace_read import WorkspaceRead
from ...models.workspace_update import WorkspaceUpdate


def _parse(response: httpx.Response) -> WorkspaceRead:
    response_200 = WorkspaceRead.from_dict(response.json())

    return response_200


def update_workspace(
    workspace_id: str,
    *,
    body: WorkspaceUpdate,
) -> _calls.Call[WorkspaceRead]:
    """Rename a workspace."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "PATCH",
        "/v1/workspaces/{workspace_id}".format(
            workspace_id=quote(str(workspace_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
