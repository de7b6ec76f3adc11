from typing import Any

import httpx

from .... import _calls
from ...models.log_in import LogIn
from ...models.session_started import SessionStarted


def _parse(response: httpx.Response) -> SessionStarted:
    response_200 = SessionStarted.from_dict(response.json())

    return response_200


def log_in(
    *,
    body: LogIn,
) -> _calls.Call[SessionStarted]:
    """Sign in: the answer has the session's tokens, or with `cookies` sets its cookies.

    After five wrong passwords for an account from one network, that network waits for 15 minutes: whether there
    is such
    an account or not. Sessions that are open go on, and a reset by mail opens the way again."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/login",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
