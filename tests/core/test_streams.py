"""Server-sent events as an ASGI server sees them."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest
from starlette.types import Message

from app.core.streams import EventStream, Last


class Server:
    """Takes what is sent; the client goes away when told."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.has_gone = asyncio.Event()
        self._is_asked = False

    async def receive(self) -> Message:
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.has_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def answer(self, stream: EventStream) -> None:
        await stream({"type": "http"}, self.receive, self.send)

    @property
    def bodies(self) -> list[tuple[bytes, bool]]:
        return [(message["body"], message["more_body"]) for message in self.sent[1:]]


async def plain() -> AsyncGenerator[bytes, None]:
    yield b"one"
    yield b"two"


async def told() -> AsyncGenerator[bytes, None]:
    yield b"one"
    yield Last(b"two")


@pytest.mark.parametrize(
    ("events", "bodies"),
    [
        (plain, [(b"one", True), (b"two", True), (b"", False)]),
        (told, [(b"one", True), (b"two", False)]),
    ],
)
async def test_it_ends_when_there_is_no_more(
    events: Callable[[], AsyncGenerator[bytes, None]], bodies: list[tuple[bytes, bool]]
) -> None:
    server, before = Server(), asyncio.all_tasks()
    await server.answer(EventStream(events()))
    assert server.sent[0]["status"] == 200
    assert (b"content-type", b"text/event-stream; charset=utf-8") in server.sent[0]["headers"]
    assert server.bodies == bodies
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before


async def test_when_the_client_goes_the_events_are_closed() -> None:
    server, is_closed = Server(), asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            yield b"one"
            await asyncio.sleep(60)
        finally:
            is_closed.set()

    answering = asyncio.create_task(server.answer(EventStream(endless())))
    await asyncio.sleep(0.01)
    server.has_gone.set()
    async with asyncio.timeout(1):
        await answering
        await is_closed.wait()
    assert server.bodies == [(b"one", True)]


async def test_who_stops_the_answer_stops_it() -> None:
    """A cancel that is not the client's going away stays one."""

    async def endless() -> AsyncGenerator[bytes, None]:
        yield b"one"
        await asyncio.sleep(60)

    answering = asyncio.create_task(Server().answer(EventStream(endless())))
    await asyncio.sleep(0.01)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
