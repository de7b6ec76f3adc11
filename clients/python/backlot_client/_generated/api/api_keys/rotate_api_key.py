from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.api_key_rotate import ApiKeyRotate
from ...models.api_key_secret import ApiKeySecret
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> ApiKeySecret:
    response_200 = ApiKeySecret.from_dict(response.json())

    return response_200


def rotate_api_key(
    key_id: str,
    *,
    body: ApiKeyRotate | None | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[ApiKeySecret]:
    """Give an API key a new secret, which is in this answer only. The old one works until the overlap ends.

    Rotated again before that, the oldest of the three ends at once. With an `Idempotency-Key` a lost answer can
    be
    asked for again, with the old secret too. To end a secret that leaked, say `"overlap_seconds": 0`."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}

    if isinstance(body, ApiKeyRotate):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body

    return _calls.Call(
        "POST",
        "/v1/api-keys/{key_id}/rotate".format(
            key_id=quote(str(key_id), safe=""),
        ),
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
