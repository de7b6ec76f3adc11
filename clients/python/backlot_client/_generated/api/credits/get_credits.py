import httpx

from .... import _calls
from ...models.credits_read import CreditsRead


def _parse(response: httpx.Response) -> CreditsRead:
    response_200 = CreditsRead.from_dict(response.json())

    return response_200


def get_credits() -> _calls.Call[CreditsRead]:
    """Read the workspace's balance."""

    return _calls.Call(
        "GET",
        "/v1/credits",
        _parse,
        is_safe_twice=True,
    )
