from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def delete_asset(
    asset_id: str,
) -> _calls.Call[None]:
    """Delete an asset and its files, for good."""

    return _calls.Call(
        "DELETE",
        "/v1/assets/{asset_id}".format(
            asset_id=quote(str(asset_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
