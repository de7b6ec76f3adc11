from typing import Any

import httpx

from .... import _calls
from ...models.mail_promised import MailPromised
from ...models.verification_wanted import VerificationWanted


def _parse(response: httpx.Response) -> MailPromised:
    response_202 = MailPromised.from_dict(response.json())

    return response_202


def resend_verification(
    *,
    body: VerificationWanted,
) -> _calls.Call[MailPromised]:
    """Send another link, if the address has an account and is not verified yet. The answer is always the same."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/resend-verification",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
