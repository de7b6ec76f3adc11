"""Where a browser may be sent after a sign-in: paths of the front end, and origins the operator listed. No others."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.core.cors import origin_of, trusted_origins
from app.core.problems import InvalidRequest
from app.core.settings import Settings

# Browsers strip tabs and line ends, and read a backslash as a slash.
_PLAIN = re.compile(r"[!-\[\]-~]{1,2000}")
_POINTER = "query:redirect_to"


def _base(settings: Settings) -> str:
    return (settings.auth.app_url or settings.api.public_url).rstrip("/")


def target(settings: Settings, text: str) -> str:
    """The whole URL to go back to. Raises InvalidRequest."""
    if not _PLAIN.fullmatch(text):
        raise InvalidRequest.at(_POINTER, "Write it with plain ASCII characters, without spaces and backslashes.")
    if text.startswith("/") and not text.startswith("//"):
        text = _base(settings) + text
    try:
        parts = urlsplit(text)
        is_allowed = parts.scheme in ("http", "https") and origin_of(text) in trusted_origins(settings)
    except ValueError:
        is_allowed = False
    if not is_allowed:
        raise InvalidRequest.at(
            _POINTER,
            "Give a path that begins with one slash, or a URL of a front end in BACKLOT_API_CORS_ORIGINS or "
            "BACKLOT_AUTH_APP_URL.",
        )
    if "#" in text:
        raise InvalidRequest.at(_POINTER, "Leave the fragment (#…) out: the code is given there.")
    return text


def with_error(url: str, code: str) -> str:
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "error"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("error", code)])))


def with_code(url: str, code: str) -> str:
    """In the fragment, which is sent to no server and stands in no log."""
    return f"{url}#{urlencode({'code': code})}"
