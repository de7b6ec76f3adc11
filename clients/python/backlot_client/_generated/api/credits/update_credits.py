from typing import Any

import httpx

from .... import _calls
from ...models.credits_settings import CreditsSettings
from ...models.credits_update import CreditsUpdate


def _parse(response: httpx.Response) -> CreditsSettings:
    response_200 = CreditsSettings.from_dict(response.json())

    return response_200


def update_credits(
    *,
    body: CreditsUpdate,
) -> _calls.Call[CreditsSettings]:
    """Say when the workspace is to be told that its credits run low."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "PATCH",
        "/v1/credits",
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
