from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def revoke_api_key(
    key_id: str,
) -> _calls.Call[None]:
    """Revoke an API key: at once, for good. Both secrets end, where it is being rotated."""

    return _calls.Call(
        "DELETE",
        "/v1/api-keys/{key_id}".format(
            key_id=quote(str(key_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
