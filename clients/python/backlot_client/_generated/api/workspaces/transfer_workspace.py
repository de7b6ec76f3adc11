from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.transfer_create import TransferCreate
from ...models.workspace_read import WorkspaceRead


def _parse(response: httpx.Response) -> WorkspaceRead:
    response_200 = WorkspaceRead.from_dict(response.json())

    return response_200


def transfer_workspace(
    workspace_id: str,
    *,
    body: TransferCreate,
) -> _calls.Call[WorkspaceRead]:
    """Hand a team over to one of its members, who becomes an owner; you stay as an admin."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/workspaces/{workspace_id}/transfer".format(
            workspace_id=quote(str(workspace_id), safe=""),
        ),
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
