from urllib.parse import quote

import httpx

from .... import _calls
from ...models.workspace_read import WorkspaceRead


def _parse(response: httpx.Response) -> WorkspaceRead:
    response_200 = WorkspaceRead.from_dict(response.json())

    return response_200


def accept_invitation(
    token: str,
) -> _calls.Call[WorkspaceRead]:
    """Accept an invitation with the account of the address it was sent to. Again, it is the same seat."""

    return _calls.Call(
        "POST",
        "/v1/invitations/{token}/accept".format(
            token=quote(str(token), safe=""),
        ),
        _parse,
        is_safe_twice=False,
    )
