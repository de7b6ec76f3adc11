from typing import Any

import httpx

from .... import _calls
from ...models.api_key_create import ApiKeyCreate
from ...models.api_key_secret import ApiKeySecret
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> ApiKeySecret:
    response_201 = ApiKeySecret.from_dict(response.json())

    return response_201


def create_api_key(
    *,
    body: ApiKeyCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[ApiKeySecret]:
    """Make an API key. Its secret is in this answer only."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/api-keys",
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
