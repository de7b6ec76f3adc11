from typing import Any

import httpx

from .... import _calls
from ...models.email_verification import EmailVerification


def _parse(response: httpx.Response) -> None:
    return None


def verify_email(
    *,
    body: EmailVerification,
) -> _calls.Call[None]:
    """Verify the address by the link's token.

    Send the session along if there is one (with an access token that has not expired), or ask for the password:
    only
    then it is clear that whoever reads the mailbox is who knows the password, and nothing has to be dropped when
    they
    come by another way."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/verify-email",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
