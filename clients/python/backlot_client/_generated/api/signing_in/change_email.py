from typing import Any

import httpx

from .... import _calls
from ...models.email_change import EmailChange
from ...models.mail_promised import MailPromised


def _parse(response: httpx.Response) -> MailPromised:
    response_202 = MailPromised.from_dict(response.json())

    return response_202


def change_email(
    *,
    body: EmailChange,
) -> _calls.Call[MailPromised]:
    """Ask for another address: a link is sent to the old one and to the new one, and both have to be opened."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/change-email",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
