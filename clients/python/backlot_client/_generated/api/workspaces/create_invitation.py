from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.invitation_create import InvitationCreate
from ...models.invitation_read import InvitationRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> InvitationRead:
    response_201 = InvitationRead.from_dict(response.json())

    return response_201


def create_invitation(
    workspace_id: str,
    *,
    body: InvitationCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[InvitationRead]:
    """Invite somebody by e-mail. An address that is invited already gets the mail again, perhaps with another role."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/workspaces/{workspace_id}/invitations".format(
            workspace_id=quote(str(workspace_id), safe=""),
        ),
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
