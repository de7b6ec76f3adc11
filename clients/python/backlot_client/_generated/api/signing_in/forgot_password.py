from typing import Any

import httpx

from .... import _calls
from ...models.link_wanted import LinkWanted
from ...models.mail_promised import MailPromised


def _parse(response: httpx.Response) -> MailPromised:
    response_202 = MailPromised.from_dict(response.json())

    return response_202


def forgot_password(
    *,
    body: LinkWanted,
) -> _calls.Call[MailPromised]:
    """Send a link that sets a new password, if the address has an account. The answer is always the same."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/forgot-password",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
