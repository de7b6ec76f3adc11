"""Sends calls and reads streams, blocking."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any, Generic, Self, TypeVar

import httpx

from backlot_client._calls import Call
from backlot_client._policy import USER_AGENT, Policy, failed, headers_of, read
from backlot_client._sse import Message
from backlot_client.errors import BacklotError
from backlot_client.events import SILENCE_SECONDS, Follower

T = TypeVar("T")


class EventStream(Generic[T]):
    """Events one by one, over as many connections as it takes. `last_event_id` is the place to go on from."""

    def __init__(self, follower: Follower, found: Generator[T, None, None]) -> None:
        self._follower = follower
        self._found = found

    @property
    def last_event_id(self) -> str | None:
        return self._follower.last_event_id

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._found)

    def close(self) -> None:
        """End the connection."""
        self._found.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Sender:
    """What is under Backlot."""

    def __init__(
        self,
        base_url: str,
        api_key: str | Callable[[], str] | None = None,
        *,
        workspace_id: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 4,
        headers: Mapping[str, str] | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._headers = {"User-Agent": USER_AGENT, **(headers or {})}
        if workspace_id:
            self._headers["X-Workspace-Id"] = workspace_id
        self._timeout = timeout
        self._policy = Policy(max_retries)
        self._owns_http = http is None
        self._http = http or httpx.Client()

    def close(self) -> None:
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, call: Call[T], *, idempotency_key: str | None = None, timeout: float | None = None) -> T:
        """Make a call of `backlot_client.api`, again where that may help. Raises ApiError, ConnectionFailed."""
        return self._send(call, self._policy, idempotency_key=idempotency_key, timeout=timeout)

    def _send(
        self, call: Call[T], policy: Policy, *, idempotency_key: str | None = None, timeout: float | None = None
    ) -> T:
        headers = headers_of(call, self._headers, idempotency_key)
        failures = 0
        while True:
            request = self._request(call, headers, httpx.Timeout(self._timeout, read=timeout or self._timeout))
            try:
                return read(call, self._answer(request))
            except BacklotError as error:
                pause = policy.pause(call, error, failures)
                if pause is None:
                    raise
            failures += 1
            time.sleep(pause)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            raise failed(error) from error

    def _request(self, call: Call[Any], headers: Mapping[str, str], timeout: httpx.Timeout) -> httpx.Request:
        key = self._api_key() if callable(self._api_key) else self._api_key
        return self._http.build_request(
            call.method,
            self._base_url + call.path,
            params=call.params or None,
            headers={**headers, **({"Authorization": f"Bearer {key}"} if key else {})},
            json=call.json,
            data=call.data,
            files=call.files,
            timeout=timeout,
        )

    def _follow(self, follower: Follower, made: Callable[[Message], T]) -> Generator[T, None, None]:
        """Connects again for ever, but where the server says that this is wrong."""
        while True:
            try:
                with closing(self._messages(follower)) as messages:
                    for message in messages:
                        if message is not None:
                            follower.handed(message)
                            yield made(message)
            except BacklotError as error:
                follower.failed(error)
            if follower.is_over:
                return
            time.sleep(follower.pause())

    def _messages(
        self, follower: Follower, *, silence: float = SILENCE_SECONDS
    ) -> Generator[Message | None, None, None]:
        """One connection: its messages, and None for a sign of life."""
        call = Call[None]("GET", follower.path, lambda _: None, params=follower.params)
        headers = {**self._headers, **follower.headers()}
        request = self._request(call, headers, httpx.Timeout(self._timeout, read=silence))
        try:
            response = self._http.send(request, stream=True)
            try:
                if response.status_code != 200:
                    response.read()
                follower.begin(response)
                for chunk in response.iter_bytes():
                    yield from follower.feed(chunk)
                    follower.caught_up()
                    yield None
            finally:
                response.close()
        except httpx.TransportError as error:
            raise failed(error) from error
