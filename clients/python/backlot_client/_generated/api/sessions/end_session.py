from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def end_session(
    session_id: str,
) -> _calls.Call[None]:
    """End one of your sessions: that device is signed out within seconds."""

    return _calls.Call(
        "DELETE",
        "/v1/me/sessions/{session_id}".format(
            session_id=quote(str(session_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
