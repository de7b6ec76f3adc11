from typing import Any

import httpx

from .... import _calls
from ...models.me_read import MeRead
from ...models.me_update import MeUpdate


def _parse(response: httpx.Response) -> MeRead:
    response_200 = MeRead.from_dict(response.json())

    return response_200


def update_me(
    *,
    body: MeUpdate,
) -> _calls.Call[MeRead]:
    """Change your name, or the language of your mails. What is left out stays."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "PATCH",
        "/v1/me",
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
