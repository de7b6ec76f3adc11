from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.begin_oauth_provider import BeginOauthProvider
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> None:
    return None


def begin_oauth(
    provider: BeginOauthProvider,
    *,
    redirect_to: None | str | Unset = UNSET,
    cookies: bool | Unset = False,
    link: bool | Unset = False,
    code_challenge: None | str | Unset = UNSET,
) -> _calls.Call[None]:
    """Send the browser to a provider to sign in.

    It comes back to `redirect_to`: with `#code=…` for `POST /v1/auth/oauth/exchange`, with cookies, or with
    `?error=`
    and the code of a problem."""

    params: dict[str, Any] = {}

    json_redirect_to: None | str | Unset
    if isinstance(redirect_to, Unset):
        json_redirect_to = UNSET
    else:
        json_redirect_to = redirect_to
    params["redirect_to"] = json_redirect_to

    params["cookies"] = cookies

    params["link"] = link

    json_code_challenge: None | str | Unset
    if isinstance(code_challenge, Unset):
        json_code_challenge = UNSET
    else:
        json_code_challenge = code_challenge
    params["code_challenge"] = json_code_challenge

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/auth/oauth/{provider}/authorize".format(
            provider=quote(str(provider), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
