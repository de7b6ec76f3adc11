import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def get_preferences() -> _calls.Call[None]:
    """Read what your front end keeps for you."""

    return _calls.Call(
        "GET",
        "/v1/me/preferences",
        _parse,
        is_safe_twice=True,
    )
