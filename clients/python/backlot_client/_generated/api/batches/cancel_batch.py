from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.batch_read import BatchRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> BatchRead:
    response_200 = BatchRead.from_dict(response.json())

    return response_200


def cancel_batch(
    batch_id: str,
    *,
    idempotency_key: None | str | Unset = UNSET,
) -> _calls.Call[BatchRead]:
    """Cancel what has not ended: it stops, and its holds are given back. What has ended stays as it is."""
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    return _calls.Call(
        "POST",
        "/v1/batches/{batch_id}/cancel".format(
            batch_id=quote(str(batch_id), safe=""),
        ),
        _parse,
        headers=headers,
        is_safe_twice=True,
    )
