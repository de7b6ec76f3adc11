import httpx

from .... import _calls
from ...models.listing_preset_read import ListingPresetRead


def _parse(response: httpx.Response) -> ListingPresetRead:
    response_200 = ListingPresetRead.from_dict(response.json())

    return response_200


def list_presets() -> _calls.Call[ListingPresetRead]:
    """List the studio styles of `replace_background`."""

    return _calls.Call(
        "GET",
        "/v1/presets",
        _parse,
        is_safe_twice=True,
    )
