from typing import Any

import httpx

from .... import _calls
from ...models.password_reset import PasswordReset


def _parse(response: httpx.Response) -> None:
    return None


def reset_password(
    *,
    body: PasswordReset,
) -> _calls.Call[None]:
    """Set a new password by the link's token: all sessions end, and all other links die."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/reset-password",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
