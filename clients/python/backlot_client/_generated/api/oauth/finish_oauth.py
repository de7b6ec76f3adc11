from typing import Any, cast
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.finish_oauth_provider import FinishOauthProvider
from ...models.oauth_code_read import OauthCodeRead
from ...models.session_started import SessionStarted
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> Any | OauthCodeRead | SessionStarted:
    if response.status_code == 200:

        def _parse_response_200(data: object) -> OauthCodeRead | SessionStarted:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_oauth_finished_type_0 = SessionStarted.from_dict(data)

                return componentsschemas_oauth_finished_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_oauth_finished_type_1 = OauthCodeRead.from_dict(data)

            return componentsschemas_oauth_finished_type_1

        response_200 = _parse_response_200(response.json())

        return response_200

    response_302 = cast(Any, None)
    return response_302


def finish_oauth(
    provider: FinishOauthProvider,
    *,
    state: str | Unset = "",
    code: None | str | Unset = UNSET,
    error: None | str | Unset = UNSET,
    iss: None | str | Unset = UNSET,
) -> _calls.Call[Any | OauthCodeRead | SessionStarted]:
    """Where providers send browsers back to: register it there, and leave calling it to them.

    Without a `redirect_to` the answer is the session itself, or with `link` the code."""

    params: dict[str, Any] = {}

    params["state"] = state

    json_code: None | str | Unset
    if isinstance(code, Unset):
        json_code = UNSET
    else:
        json_code = code
    params["code"] = json_code

    json_error: None | str | Unset
    if isinstance(error, Unset):
        json_error = UNSET
    else:
        json_error = error
    params["error"] = json_error

    json_iss: None | str | Unset
    if isinstance(iss, Unset):
        json_iss = UNSET
    else:
        json_iss = iss
    params["iss"] = json_iss

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/auth/oauth/{provider}/callback".format(
            provider=quote(str(provider), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
