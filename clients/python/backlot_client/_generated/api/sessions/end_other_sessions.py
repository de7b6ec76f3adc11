import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def end_other_sessions() -> _calls.Call[None]:
    """End all your sessions but this one."""

    return _calls.Call(
        "DELETE",
        "/v1/me/sessions",
        _parse,
        is_safe_twice=True,
    )
