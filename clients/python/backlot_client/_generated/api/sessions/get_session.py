from urllib.parse import quote

import httpx

from .... import _calls
from ...models.session_read import SessionRead


def _parse(response: httpx.Response) -> SessionRead:
    response_200 = SessionRead.from_dict(response.json())

    return response_200


def get_session(
    session_id: str,
) -> _calls.Call[SessionRead]:
    """Read one of your open sessions."""

    return _calls.Call(
        "GET",
        "/v1/me/sessions/{session_id}".format(
            session_id=quote(str(session_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
