from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.asset_read import AssetRead
from ...models.asset_update import AssetUpdate


def _parse(response: httpx.Response) -> AssetRead:
    response_200 = AssetRead.from_dict(response.json())

    return response_200


def update_asset(
    asset_id: str,
    *,
    body: AssetUpdate,
) -> _calls.Call[AssetRead]:
    """Mark as favorite, rename, or replace the metadata."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "PATCH",
        "/v1/assets/{asset_id}".format(
            asset_id=quote(str(asset_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
        **_kwargs,
    )
