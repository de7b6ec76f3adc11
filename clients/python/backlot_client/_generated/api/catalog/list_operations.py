import httpx

from .... import _calls
from ...models.listing_operation_read import ListingOperationRead


def _parse(response: httpx.Response) -> ListingOperationRead:
    response_200 = ListingOperationRead.from_dict(response.json())

    return response_200


def list_operations() -> _calls.Call[ListingOperationRead]:
    """List the operations on sale, each with the JSON Schema of its input, its models and its price."""

    return _calls.Call(
        "GET",
        "/v1/operations",
        _parse,
        is_safe_twice=True,
    )
