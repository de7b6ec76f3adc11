import datetime
from typing import Any

import httpx

from .... import _calls
from ...models.page_transaction_read import PageTransactionRead
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> PageTransactionRead:
    response_200 = PageTransactionRead.from_dict(response.json())

    return response_200


def list_credit_transactions(
    *,
    limit: int | Unset = 20,
    cursor: None | str | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
) -> _calls.Call[PageTransactionRead]:
    """List every movement of the workspace's credits, newest first."""

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_cursor: None | str | Unset
    if isinstance(cursor, Unset):
        json_cursor = UNSET
    else:
        json_cursor = cursor
    params["cursor"] = json_cursor

    json_created_after: None | str | Unset
    if isinstance(created_after, Unset):
        json_created_after = UNSET
    elif isinstance(created_after, datetime.datetime):
        json_created_after = created_after.isoformat()
    else:
        json_created_after = created_after
    params["created_after"] = json_created_after

    json_created_before: None | str | Unset
    if isinstance(created_before, Unset):
        json_created_before = UNSET
    elif isinstance(created_before, datetime.datetime):
        json_created_before = created_before.isoformat()
    else:
        json_created_before = created_before
    params["created_before"] = json_created_before

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/credits/transactions",
        _parse,
        params=params,
        is_safe_twice=True,
    )
