from urllib.parse import quote

import httpx

from .... import _calls
from ...models.invitation_read import InvitationRead


def _parse(response: httpx.Response) -> InvitationRead:
    response_200 = InvitationRead.from_dict(response.json())

    return response_200


def resend_invitation(
    workspace_id: str,
    invitation_id: str,
) -> _calls.Call[InvitationRead]:
    """Send the mail of an invitation again; it can be accepted for another week."""

    return _calls.Call(
        "POST",
        "/v1/workspaces/{workspace_id}/invitations/{invitation_id}/resend".format(
            workspace_id=quote(str(workspace_id), safe=""),
            invitation_id=quote(str(invitation_id), safe=""),
        ),
        _parse,
        is_safe_twice=False,
    )
