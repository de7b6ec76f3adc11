from urllib.parse import quote

import httpx

from .... import _calls
from ...models.asset_read import AssetRead


def _parse(response: httpx.Response) -> AssetRead:
    response_200 = AssetRead.from_dict(response.json())

    return response_200


def get_asset(
    asset_id: str,
) -> _calls.Call[AssetRead]:
    """Read one asset, with fresh links to its files."""

    return _calls.Call(
        "GET",
        "/v1/assets/{asset_id}".format(
            asset_id=quote(str(asset_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
