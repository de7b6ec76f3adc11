from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def delete_workspace(
    workspace_id: str,
) -> _calls.Call[None]:
    """Delete a team, for good: an owner may, once no task of it is open. Its keys open nothing any more."""

    return _calls.Call(
        "DELETE",
        "/v1/workspaces/{workspace_id}".format(
            workspace_id=quote(str(workspace_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
