from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def unlink_identity(
    identity_id: str,
) -> _calls.Call[None]:
    """Unlink an identity: it signs you in no more. Sessions that are open stay."""

    return _calls.Call(
        "DELETE",
        "/v1/me/identities/{identity_id}".format(
            identity_id=quote(str(identity_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
