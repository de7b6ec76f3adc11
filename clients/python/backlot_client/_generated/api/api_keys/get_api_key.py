from urllib.parse import quote

import httpx

from .... import _calls
from ...models.api_key_read import ApiKeyRead


def _parse(response: httpx.Response) -> ApiKeyRead:
    response_200 = ApiKeyRead.from_dict(response.json())

    return response_200


def get_api_key(
    key_id: str,
) -> _calls.Call[ApiKeyRead]:
    """Read one API key, and what was spent of its budget."""

    return _calls.Call(
        "GET",
        "/v1/api-keys/{key_id}".format(
            key_id=quote(str(key_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
