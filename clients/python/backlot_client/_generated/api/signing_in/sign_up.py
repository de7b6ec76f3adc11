from typing import Any

import httpx

from .... import _calls
from ...models.mail_promised import MailPromised
from ...models.sign_up import SignUp


def _parse(response: httpx.Response) -> MailPromised:
    response_202 = MailPromised.from_dict(response.json())

    return response_202


def sign_up(
    *,
    body: SignUp,
) -> _calls.Call[MailPromised]:
    """Sign up with an address and a password: a mail with a link is sent.

    The answer is the same when the address has an account: then the mail says so. Nobody is signed in by this. A
    user
    may sign in before the address is verified (unless the operator turned that off), but spends no credits until
    it is."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/signup",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
