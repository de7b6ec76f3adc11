import httpx

from .... import _calls
from ...models.me_read import MeRead


def _parse(response: httpx.Response) -> MeRead:
    response_200 = MeRead.from_dict(response.json())

    return response_200


def get_me() -> _calls.Call[MeRead]:
    """Tell who is calling: user, workspace and role of this request, and its API key if there is one.

    Users are also told while their account waits for its deletion: `erase_at`."""

    return _calls.Call(
        "GET",
        "/v1/me",
        _parse,
        is_safe_twice=True,
    )
