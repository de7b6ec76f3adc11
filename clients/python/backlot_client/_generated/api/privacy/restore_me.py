import httpx

from .... import _calls
from ...models.deletion_read import DeletionRead


def _parse(response: httpx.Response) -> DeletionRead:
    response_200 = DeletionRead.from_dict(response.json())

    return response_200


def restore_me() -> _calls.Call[DeletionRead]:
    """Take the deletion of your account back."""

    return _calls.Call(
        "POST",
        "/v1/me/restore",
        _parse,
        is_safe_twice=False,
    )
