"""Bells: waiting for "there is something new"."""

import asyncio
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from app.core import queue
from app.core.bells import QUIET_SECONDS, Bell, Listener
from app.core.settings import Redis, Settings


async def test_a_ring_ends_the_wait() -> None:
    bell = Bell(inf)
    waiting = asyncio.create_task(bell.wait(30))
    await asyncio.sleep(0)
    bell.ring()
    bell.ring()
    async with asyncio.timeout(1):
        await waiting


async def test_a_ring_before_the_wait_is_heard_once() -> None:
    bell = Bell(inf)
    bell.ring()
    began = monotonic()
    await bell.wait(30)
    await bell.wait(0.1)
    assert 0.05 < monotonic() - began < 5


@pytest.mark.parametrize(("timeout", "longest"), [(0.05, inf), (30, 0.05), (0, inf), (-1, inf)])
async def test_a_wait_ends_by_itself(timeout: float, longest: float) -> None:
    async with asyncio.timeout(1):
        await Bell(longest).wait(timeout)


async def test_who_stops_waiting_may_wait_again() -> None:
    bell = Bell(inf)
    waiting = asyncio.create_task(bell.wait(30))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bell.ring()
    async with asyncio.timeout(1):
        await bell.wait(30)


class Line:
    """A way to Redis that can fall silent: nothing is refused, nothing comes back."""

    def __init__(self, host: str, port: int) -> None:
        self._there = host, port
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._serving: set[asyncio.Task[Any]] = set()

    def cut(self) -> None:
        self._is_open.clear()

    async def close(self) -> None:
        self._is_open.set()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        back, onward = await asyncio.open_connection(*self._there)
        with suppress(ConnectionError):
            try:
                await asyncio.gather(self._pass(reader, onward), self._pass(back, writer))
            finally:
                onward.close()
                writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._is_open.wait()
            writer.write(data)


async def test_a_server_that_falls_silent_is_not_believed(settings: Settings) -> None:
    url = urlsplit(settings.redis.url.get_secret_value())
    line = Line(url.hostname or "", url.port or 0)
    joined = asyncio.Event()
    async with await asyncio.start_server(line.serve, "127.0.0.1", 0) as server:
        there = url._replace(netloc=f"{url.netloc.rpartition('@')[0]}@127.0.0.1:{server.sockets[0].getsockname()[1]}")
        redis = queue.connect(settings.model_copy(update={"redis": Redis(url=SecretStr(there.geturl()))}))
        listener = Listener(redis, "anything", heard=lambda _: None, joined=joined.set)
        listener.start()
        async with asyncio.timeout(10):
            await joined.wait()
        await asyncio.sleep(3 * QUIET_SECONDS)
        assert listener.is_connected, "it answers when asked"
        line.cut()
        async with asyncio.timeout(5 * QUIET_SECONDS):
            while listener.is_connected:
                await asyncio.sleep(0.05)
        await listener.close()
        await redis.aclose(close_connection_pool=True)
        await line.close()
