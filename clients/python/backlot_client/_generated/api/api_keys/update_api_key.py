from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.api_key_read import ApiKeyRead
from ...models.api_key_update import ApiKeyUpdate


def _parse(response: httpx.Response) -> ApiKeyRead:
    response_200 = ApiKeyRead.from_dict(response.json())

    return response_200


def update_api_key(
    key_id: str,
    *,
    body: ApiKeyUpdate,
) -> _calls.Call[ApiKeyRead]:
    """Change what an API key may do: at once, for all its requests. What is left out stays; null lifts a limit."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "PATCH",
        "/v1/api-keys/{key_id}".format(
            key_id=quote(str(key_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
