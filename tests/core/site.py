"""A small web site on a real socket that answers each path exactly as told, however badly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

Writer = asyncio.StreamWriter
PICTURE = b"\x89PNG and more"


def answer(body: bytes = PICTURE, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Site:
    """Answers each path as told, and counts who came."""

    def __init__(self) -> None:
        self.visits: list[str] = []
        self.requests: list[str] = []
        self.pages: dict[str, Callable[[Writer], Any]] = {}
        self.host, self.port = "", 0

    def url(self, path: str, host: str | None = None) -> str:
        return f"http://{host or self.host}:{self.port}{path}"

    def page(self, path: str, content: bytes) -> str:
        async def send(writer: Writer) -> None:
            writer.write(content)
            await writer.drain()

        self.pages[path] = send
        return self.url(path)

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.visits.append(writer.get_extra_info("peername")[0])
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            await self.pages[head.split(" ")[1]](writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def listening(host: str) -> AsyncIterator[Site]:
    it = Site()
    server = await asyncio.start_server(it.serve, host, 0)
    it.host, it.port = server.sockets[0].getsockname()
    yield it
    server.close()
