"""Servers of customers': some take what they are sent, others do what servers do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import orjson

from tests.conftest import REACHABLE


@dataclass(frozen=True)
class Got:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes
    at: float
    path: str

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Behaviour = Callable[[Got, asyncio.StreamWriter], Awaitable[None]]


def answering(status: int, *headers: str, body: bytes = b"") -> Behaviour:
    async def answer(_: Got, writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", *headers]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return answer


async def hanging(_: Got, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def dripping(_: Got, writer: asyncio.StreamWriter) -> None:
    """A head that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.2)


async def dripping_body(_: Got, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.2)


async def hanging_up(_: Got, writer: asyncio.StreamWriter) -> None:
    writer.close()


@dataclass
class Receiver:
    """`behaves` may be changed while it runs."""

    behaves: Behaviour = field(default_factory=lambda: answering(204))
    got: list[Got] = field(default_factory=list)
    port: int = 0
    most_at_once: int = 0
    _now: int = 0

    @property
    def url(self) -> str:
        return f"http://{REACHABLE}:{self.port}/hook"

    async def take(self, number: int, *, seconds: float = 10) -> list[Got]:
        """So many, as soon as they are here."""
        async with asyncio.timeout(seconds):
            while len(self.got) < number:
                await asyncio.sleep(0.01)
        return self.got

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines) if name}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                got = Got(headers, body, monotonic(), line.split()[1])
                self.got.append(got)
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
                try:
                    await self.behaves(got, writer)
                finally:
                    self._now -= 1
        writer.close()


@asynccontextmanager
async def receiver(behaves: Behaviour | None = None) -> AsyncIterator[Receiver]:
    made = Receiver(behaves or answering(204))
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await made._serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            serving.discard(task)

    server = await asyncio.start_server(serve, REACHABLE, 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
