import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def log_out_everywhere() -> _calls.Call[None]:
    """End all your sessions, this one too. API keys stay; so do tokens of other issuers until they expire."""

    return _calls.Call(
        "POST",
        "/v1/auth/logout-everywhere",
        _parse,
        is_safe_twice=False,
    )
