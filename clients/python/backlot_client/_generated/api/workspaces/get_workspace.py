from urllib.parse import quote

import httpx

from .... import _calls
from ...models.workspace_read import WorkspaceRead


def _parse(response: httpx.Response) -> WorkspaceRead:
    response_200 = WorkspaceRead.from_dict(response.json())

    return response_200


def get_workspace(
    workspace_id: str,
) -> _calls.Call[WorkspaceRead]:
    """Read one workspace."""

    return _calls.Call(
        "GET",
        "/v1/workspaces/{workspace_id}".format(
            workspace_id=quote(str(workspace_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
