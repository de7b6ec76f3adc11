from typing import Any

import httpx

from .... import _calls
from ...models.oauth_exchange import OauthExchange
from ...models.session_started import SessionStarted


def _parse(response: httpx.Response) -> SessionStarted:
    response_200 = SessionStarted.from_dict(response.json())

    return response_200


def exchange_oauth_code(
    *,
    body: OauthExchange,
) -> _calls.Call[SessionStarted]:
    """Exchange the code of a redirect for tokens: once, within a minute, by who began."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/oauth/exchange",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
