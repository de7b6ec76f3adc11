"""Following events as server-sent ones: whatever they are of, a stream goes on, pings, and ends in the same way."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from app.core.bells import BellTower
from app.core.streams import Last

PING_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000


@dataclass(frozen=True, slots=True)
class News:
    """The next events as they are sent, the position they end at, and whether nothing can follow.

    `is_last` is for what may be the last: it is asked for. Without messages there is only a later position.
    """

    messages: bytes
    position: int
    is_last: bool = False
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Followed:
    """What is followed: the key of its bell, and what is new after a position.

    After news that may be the last the stream ends if `is_over` says so of its position. It also ends soon after
    `is_admitted` says that the caller is not let in any more.
    """

    key: str
    next: Callable[[int], Awaitable[News | None]]
    is_admitted: Callable[[], Awaitable[bool]]
    is_over: Callable[[int], Awaitable[bool]] | None = None


async def follow(
    bells: BellTower, followed: Followed, *, after: int, greeting: bytes = b""
) -> AsyncGenerator[bytes, None]:
    """The events as server-sent events, after a position, until the end.

    No more is read than the client takes: what it has not read yet stays in the log. After `Last` there is nothing.
    """
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode() + greeting
    last_sent = last_admitted = monotonic()
    bell = bells.hang(followed.key)
    try:
        while not bells.is_closing:
            news = await followed.next(after)
            if news is not None:
                after = news.position
            if news is not None and news.messages:
                yield Last(news.messages) if news.is_over else news.messages
                last_sent = monotonic()
                if news.is_last and followed.is_over is not None and await followed.is_over(after):
                    return
                continue
            bell.seen = after
            await bell.wait(PING_SECONDS)
            if monotonic() - last_admitted >= PING_SECONDS:
                if not await followed.is_admitted():
                    return
                last_admitted = monotonic()
            if monotonic() - last_sent >= PING_SECONDS:
                yield b": ping\n\n"
                last_sent = monotonic()
    finally:
        bells.take_down(followed.key, bell)
