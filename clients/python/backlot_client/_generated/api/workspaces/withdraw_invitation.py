from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def withdraw_invitation(
    workspace_id: str,
    invitation_id: str,
) -> _calls.Call[None]:
    """Withdraw an invitation: its link opens nothing any more."""

    return _calls.Call(
        "DELETE",
        "/v1/workspaces/{workspace_id}/invitations/{invitation_id}".format(
            workspace_id=quote(str(workspace_id), safe=""),
            invitation_id=quote(str(invitation_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
