import httpx

from .... import _calls
from ...models.listing_model_shown import ListingModelShown


def _parse(response: httpx.Response) -> ListingModelShown:
    response_200 = ListingModelShown.from_dict(response.json())

    return response_200


def list_models() -> _calls.Call[ListingModelShown]:
    """List the models on sale: who serves them, what they do, what they honour and take, what they cost."""

    return _calls.Call(
        "GET",
        "/v1/models",
        _parse,
        is_safe_twice=True,
    )
