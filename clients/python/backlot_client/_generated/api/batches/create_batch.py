from typing import Any

import httpx

from .... import _calls
from ...models.batch_create import BatchCreate
from ...models.batch_read import BatchRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> BatchRead:
    response_202 = BatchRead.from_dict(response.json())

    return response_202


def create_batch(
    *,
    body: BatchCreate,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[BatchRead]:
    """Order one operation on up to 500 inputs: the price of all is held at once. A bad item fails alone."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/batches",
        _parse,
        headers=headers,
        is_safe_twice=True,
        **_kwargs,
    )
