from urllib.parse import quote

import httpx

from .... import _calls
from ...models.invitation_shown import InvitationShown


def _parse(response: httpx.Response) -> InvitationShown:
    response_200 = InvitationShown.from_dict(response.json())

    return response_200


def show_invitation(
    token: str,
) -> _calls.Call[InvitationShown]:
    """Show who invites to what, to whoever has the link. Public."""

    return _calls.Call(
        "GET",
        "/v1/invitations/{token}".format(
            token=quote(str(token), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
