from urllib.parse import quote

import httpx

from .... import _calls
from ...models.identity_read import IdentityRead


def _parse(response: httpx.Response) -> IdentityRead:
    response_200 = IdentityRead.from_dict(response.json())

    return response_200


def get_identity(
    identity_id: str,
) -> _calls.Call[IdentityRead]:
    """Read one of your identities."""

    return _calls.Call(
        "GET",
        "/v1/me/identities/{identity_id}".format(
            identity_id=quote(str(identity_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
