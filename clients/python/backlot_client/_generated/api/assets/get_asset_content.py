from typing import Any
from urllib.parse import quote

import httpx

from .... import _calls
from ...models.rendition import Rendition
from ...types import UNSET, Unset


def _parse(response: httpx.Response) -> None:
    return None


def get_asset_content(
    asset_id: str,
    *,
    rendition: Rendition | Unset = UNSET,
    download: bool | Unset = False,
) -> _calls.Call[None]:
    """Go to the file of an asset."""

    params: dict[str, Any] = {}

    json_rendition: str | Unset = UNSET
    if not isinstance(rendition, Unset):
        json_rendition = rendition

    params["rendition"] = json_rendition

    params["download"] = download

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return _calls.Call(
        "GET",
        "/v1/assets/{asset_id}/content".format(
            asset_id=quote(str(asset_id), safe=""),
        ),
        _parse,
        params=params,
        is_safe_twice=True,
    )
