import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def log_out() -> _calls.Call[None]:
    """End this session: its tokens and cookies open nothing any more."""

    return _calls.Call(
        "POST",
        "/v1/auth/logout",
        _parse,
        is_safe_twice=False,
    )
