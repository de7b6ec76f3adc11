from typing import Any

import httpx

from .... import _calls
from ...models.confirm import Confirm
from ...models.confirmation_read import ConfirmationRead


def _parse(response: httpx.Response) -> ConfirmationRead:
    response_200 = ConfirmationRead.from_dict(response.json())

    return response_200


def confirm_session(
    *,
    body: Confirm,
) -> _calls.Call[ConfirmationRead]:
    """Show again that it is you, for what wants it fresh: that is open to this session for ten minutes.

    Send the password with the session's own credentials. Without a password on the account send `{}`: a mail
    brings a
    link, and its `token` confirms the session that asked for it."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/confirm",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
