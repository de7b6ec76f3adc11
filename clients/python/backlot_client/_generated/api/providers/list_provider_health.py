import httpx

from .... import _calls
from ...models.listing_provider_health import ListingProviderHealth


def _parse(response: httpx.Response) -> ListingProviderHealth:
    response_200 = ListingProviderHealth.from_dict(response.json())

    return response_200


def list_provider_health() -> _calls.Call[ListingProviderHealth]:
    """List the enabled providers: whether they work, how often calls fail, and how long they take."""

    return _calls.Call(
        "GET",
        "/v1/providers/health",
        _parse,
        is_safe_twice=True,
    )
