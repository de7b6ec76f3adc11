from typing import Any

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def put_preferences(
    *,
    body: Any,
) -> _calls.Call[None]:
    """Keep this for me, in place of what was there: any JSON object."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body

    return _calls.Call(
        "PUT",
        "/v1/me/preferences",
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
