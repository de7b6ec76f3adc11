import datetime
from typing import Any

import httpx

from .... import _calls
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> str:
    response_200 = response.text
    return response_200


def export_credit_transactions(
    *,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
) -> _calls.Call[str]:
    """Download every movement of the workspace's credits as CSV, newest first.

    Amounts are exact decimals, times are UTC. A reason that a spreadsheet would take for a formula begins with
    `'`."""

    params: dict[str, Any] = {}

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
        "/v1/credits/transactions.csv",
        _parse,
        params=params,
        is_safe_twice=True,
    )
