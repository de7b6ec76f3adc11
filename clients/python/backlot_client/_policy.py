"""How calls are built, read and tried again: what both clients do alike."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from backlot_client._calls import Call
from backlot_client.errors import ApiError, BacklotError, ConnectionFailed, UnexpectedAnswer, error_of

T = TypeVar("T")

USER_AGENT = "backlot-client-python/0.1.0"
LONGEST_PAUSE = 60.0
"""What asks for a longer one is told to the caller instead."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_SURELY_NOT_DONE = frozenset({408, 429})


def backoff(failures: int, *, first: float = 0.5, most: float = 8.0) -> float:
    """Seconds before the next attempt, so that many clients do not come back at once."""
    return min(most, first * 2.0**failures) * random.uniform(0.5, 1)  # noqa: S311


@dataclass(frozen=True, slots=True)
class Policy:
    """When to try again."""

    max_retries: int

    def pause(self, call: Call[Any], error: BacklotError, failures: int) -> float | None:
        """The seconds after which to send the call again; None when the caller is to be told."""
        if failures >= self.max_retries or not error.retryable:
            return None
        match error:
            case ConnectionFailed() if call.is_safe_twice or not error.was_sent:
                return backoff(failures)
            case ApiError() if call.is_safe_twice or error.status in _SURELY_NOT_DONE:
                asked = error.retry_after or 0.0
                return None if asked > LONGEST_PAUSE else asked + backoff(failures)
        return None


def headers_of(call: Call[Any], common: Mapping[str, str], idempotency_key: str | None) -> dict[str, str]:
    """With one Idempotency-Key for all attempts of this call."""
    headers = {**common, **call.headers}
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    if call.method == "POST":
        headers.setdefault("Idempotency-Key", uuid4().hex)
    return headers


def failed(error: httpx.TransportError) -> ConnectionFailed:
    return ConnectionFailed(f"{type(error).__name__}: {error}".rstrip(": "), was_sent=not isinstance(error, _NOT_SENT))


def read(call: Call[T], response: httpx.Response) -> T:
    """What the call is to give. Raises the problem the answer is, or UnexpectedAnswer."""
    if response.status_code >= 400:
        raise error_of(response)
    return parsed(call.parse, response)


def parsed(parse: Callable[[Any], T], source: Any) -> T:
    try:
        return parse(source)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnexpectedAnswer(f"cannot be read: {type(error).__name__}: {error}") from error
