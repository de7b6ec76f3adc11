from typing import Any

import httpx

from .... import _calls
from ...models.email_change_read import EmailChangeRead
from ...models.link_opened import LinkOpened


def _parse(response: httpx.Response) -> EmailChangeRead:
    response_200 = EmailChangeRead.from_dict(response.json())

    return response_200


def confirm_email_change(
    *,
    body: LinkOpened,
) -> _calls.Call[EmailChangeRead]:
    """Open one of the two links; with the second the address is changed."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/confirm-email-change",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
