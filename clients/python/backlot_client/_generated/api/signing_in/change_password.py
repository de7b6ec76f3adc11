from typing import Any

import httpx

from .... import _calls
from ...models.password_change import PasswordChange


def _parse(response: httpx.Response) -> None:
    return None


def change_password(
    *,
    body: PasswordChange,
) -> _calls.Call[None]:
    """Change the password: all other sessions end. Who has none yet sets one with a confirmed session."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/change-password",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
