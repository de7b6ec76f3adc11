import httpx

from .... import _calls
from ...models.ready import Ready


def _parse(response: httpx.Response) -> Ready:
    response_200 = Ready.from_dict(response.json())

    return response_200


def get_ready() -> _calls.Call[Ready]:
    """The process and all it depends on work."""

    return _calls.Call(
        "GET",
        "/health/ready",
        _parse,
        is_safe_twice=True,
    )
