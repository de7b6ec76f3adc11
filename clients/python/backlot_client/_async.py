"""Sends calls and reads streams, without blocking."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from inspect import isawaitable
from typing import Any, Generic, Self, TypeVar

import anyio
import httpx

from backlot_client._calls import Call
from backlot_client._policy import USER_AGENT, Policy, failed, headers_of, read
from backlot_client._sse import Message
from backlot_client.errors import BacklotError
from backlot_client.events import SILENCE_SECONDS, Follower

T = TypeVar("T")


class AsyncEventStream(Generic[T]):
    """Events one by one, over as many connections as it takes. `last_event_id` is the place to go on from."""

    def __init__(self, follower: Follower, found: AsyncGenerator[T, None]) -> None:
        self._follower = follower
        self._found = found

    @property
    def last_event_id(self) -> str | None:
        return self._follower.last_event_id

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await anext(self._found)

    async def close(self) -> None:
        """End the connection."""
        await self._found.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncSender:
    """What is under AsyncBacklot."""

    def __init__(
        self,
        base_url: str,
        api_key: str | Callable[[], str | Awaitable[str]] | None = None,
        *,
        workspace_id: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 4,
        headers: Mapping[str, str] | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._headers = {"User-Agent": USER_AGENT, **(headers or {})}
        if workspace_id:
            self._headers["X-Workspace-Id"] = workspace_id
        self._timeout = timeout
        self._policy = Policy(max_retries)
        self._owns_http = http is None
        self._http = http or httpx.AsyncClient()

    async def close(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, call: Call[T], *, idempotency_key: str | None = None, timeout: float | None = None) -> T:
        """Make a call of `backlot_client.api`, again where that may help. Raises ApiError, ConnectionFailed."""
        return await self._send(call, self._policy, idempotency_key=idempotency_key, timeout=timeout)

    async def _send(
        self, call: Call[T], policy: Policy, *, idempotency_key: str | None = None, timeout: float | None = None
    ) -> T:
        headers = headers_of(call, self._headers, idempotency_key)
        failures = 0
        while True:
            request = await self._request(call, headers, httpx.Timeout(self._timeout, read=timeout or self._timeout))
            try:
                return read(call, await self._answer(request))
            except BacklotError as error:
                pause = policy.pause(call, error, failures)
                if pause is None:
                    raise
            failures += 1
            await anyio.sleep(pause)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._http.send(request)
        except httpx.TransportError as error:
            raise failed(error) from error

    async def _request(self, call: Call[Any], headers: Mapping[str, str], timeout: httpx.Timeout) -> httpx.Request:
        key = self._api_key() if callable(self._api_key) else self._api_key
        if isawaitable(key):
            key = await key
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

    async def _follow(self, follower: Follower, made: Callable[[Message], T]) -> AsyncGenerator[T, None]:
        """Connects again for ever, but where the server says that this is wrong."""
        while True:
            try:
                async with aclosing(self._messages(follower)) as messages:
                    async for message in messages:
                        if message is not None:
                            follower.handed(message)
                            yield made(message)
            except BacklotError as error:
                follower.failed(error)
            if follower.is_over:
                return
            await anyio.sleep(follower.pause())

    async def _messages(
        self, follower: Follower, *, silence: float = SILENCE_SECONDS
    ) -> AsyncGenerator[Message | None, None]:
        """One connection: its messages, and None for a sign of life."""
        call = Call[None]("GET", follower.path, lambda _: None, params=follower.params)
        headers = {**self._headers, **follower.headers()}
        request = await self._request(call, headers, httpx.Timeout(self._timeout, read=silence))
        try:
            response = await self._http.send(request, stream=True)
            try:
                if response.status_code != 200:
                    await response.aread()
                follower.begin(response)
                async for chunk in response.aiter_bytes():
                    for message in follower.feed(chunk):
                        yield message
                    follower.caught_up()
                    yield None
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise failed(error) from error
