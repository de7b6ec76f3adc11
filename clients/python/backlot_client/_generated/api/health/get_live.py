import httpx

from .... import _calls
from ...models.live import Live


def _parse(response: httpx.Response) -> Live:
    response_200 = Live.from_dict(response.json())

    return response_200


def get_live() -> _calls.Call[Live]:
    """The process answers."""

    return _calls.Call(
        "GET",
        "/health/live",
        _parse,
        is_safe_twice=True,
    )
