from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.batch_read import BatchRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> BatchRead:
    response_200 = BatchRead.from_dict(response.json())

    return response_200


def get_batch(
    batch_id: str,
    *,
    wait: float | Unset = 0.0,
) -> _calls.Call[BatchRead]:
    """Read a batch with all its items. With `wait` the answer comes when all have ended, or the seconds are over."""

    params: dict[str, Any] = {}

    params["wait"] = wait

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/batches/{batch_id}".format(
            batch_id=quote(str(batch_id), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
