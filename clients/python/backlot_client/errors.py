"""What can go wrong, as exceptions: everything raised here is a BacklotError."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from backlot_client.models import Task

IN_FLIGHT = "idempotency_key_in_flight"
RETRYABLE = frozenset({408, 429, 502, 503, 504})


class BacklotError(Exception):
    """Any failure of this package."""

    retryable = False
    """Whether the same call may well succeed later."""


class ConnectionFailed(BacklotError):
    """The server was not reached, or its answer did not come. `was_sent`: the request may have had its effect."""

    retryable = True

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class UnexpectedAnswer(BacklotError):
    """The answer is not what the API promises: is this its URL, and has the server the version of this client?"""


class WaitTimeout(BacklotError, TimeoutError):
    """The task has not ended in time. It goes on: wait again, or cancel it."""

    retryable = True

    def __init__(self, task_id: str, seconds: float, task: Task | None) -> None:
        super().__init__(f"{task_id} has not ended within {seconds:g} s")
        self.task_id = task_id
        self.task = task
        """As it was last seen."""


class WebhookVerificationError(BacklotError, ValueError):
    """This is no webhook of ours, or it is too old."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: a JSON pointer into the body, or `query:name`."""

    pointer: str
    code: str
    detail: str


class ApiError(BacklotError):
    """The server refused: decide by `code`, show `detail`, report `request_id`."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.body = dict(body)
        self.code = str(body.get("code", f"http_{status}"))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", "") or self.title or f"HTTP {status}")
        self.request_id = body.get("request_id") or headers.get("x-request-id")
        self.retry_after = seconds_of(headers.get("retry-after"))
        found = body.get("errors")
        self.errors = [
            FieldError(str(one.get("pointer", "")), str(one.get("code", "")), str(one.get("detail", "")))
            for one in (found if isinstance(found, list) else [])
            if isinstance(one, dict)
        ]
        super().__init__(f"{status} {self.code}: {self.detail}")

    @property
    def retryable(self) -> bool:  # type: ignore[override]
        return self.status in RETRYABLE or self.code == IN_FLIGHT


class AuthenticationError(ApiError):
    """401: no credentials, or none that are valid."""


class InsufficientCredits(ApiError):
    """402."""


class Forbidden(ApiError):
    """403: known, but not allowed."""


class NotFound(ApiError):
    """404: not there, or not yours."""


class Conflict(ApiError):
    """409: not as things are now."""


class InvalidRequest(ApiError):
    """400 or 422: `errors` names the fields."""


class RateLimited(ApiError):
    """429."""


class ServerError(ApiError):
    """500 and above."""


_KINDS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationError,
    402: InsufficientCredits,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
    429: RateLimited,
}


def error_of(response: httpx.Response) -> ApiError:
    """The answer, which has been read, as the exception it stands for; proxies answer without a problem's body."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    kind = _KINDS.get(response.status_code, ServerError if response.status_code >= 500 else ApiError)
    return kind(response.status_code, body if isinstance(body, dict) else {}, response.headers)


def seconds_of(retry_after: str | None) -> float | None:
    """`Retry-After`, which is seconds or a date."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
