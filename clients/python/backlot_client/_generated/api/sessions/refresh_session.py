from typing import Any

import httpx

from .... import _calls
from ...models.refresh import Refresh
from ...models.session_started import SessionStarted


def _parse(response: httpx.Response) -> SessionStarted:
    response_200 = SessionStarted.from_dict(response.json())

    return response_200


def refresh_session(
    *,
    body: Refresh,
) -> _calls.Call[SessionStarted]:
    """Change the refresh token for new tokens. A token that was changed before ends the session.

    The last change may be repeated for 30 seconds and has the same refresh token as answer, so two tabs may
    refresh at
    once, and a lost answer is no loss. Sessions with cookies need no refresh."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/refresh",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
