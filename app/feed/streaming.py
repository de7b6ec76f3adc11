"""All that happens in a workspace, as server-sent events: read once, and written once, for all who follow the same."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import asyncpg

from app.core.bells import BellTower
from app.core.ids import decode, encode
from app.core.lane import Lane
from app.core.wire import dumps
from app.events.feed import FeedAsk, FeedReader, Whose
from app.events.following import Followed, News
from app.feed.rendering import Renderer

AT_ONCE = 100
_BEGINNING = UUID(int=0)
"""Stands for the time before the first event, where there is none yet."""
RESET = b"event: reset\ndata: %b\n\n"


class FeedTeller:
    """One per API process."""

    def __init__(self, feed: FeedReader, renderer: Renderer) -> None:
        self._feed = feed
        self._renderer = renderer
        self._lane: Lane[FeedAsk, News | None] = Lane(self._tell, most=AT_ONCE, width=2, shares=True)

    async def next(self, whose: Whose, types: tuple[str, ...], after: int) -> News | None:
        """What was published since that number; None when nothing was."""
        return await self._lane.do(FeedAsk(whose, after, types))

    async def _tell(self, asks: Sequence[FeedAsk]) -> list[News | None]:
        found = await self._feed.list_all_following(asks)
        rows = [row for one in found for row in one.rows]
        events = iter(await self._renderer.render(rows))
        return [
            News(b"".join(_message(row, next(events)) for row in one.rows), one.number)
            if one.number > ask.after
            else None
            for ask, one in zip(asks, found, strict=True)
        ]


def _message(row: asyncpg.Record, event: bytes) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (encode("evt", row["id"]).encode(), row["type"].encode(), event)


@dataclass(frozen=True, slots=True)
class FeedDesk:
    """What the routes of events work with; one per API process."""

    reader: FeedReader
    teller: FeedTeller
    renderer: Renderer
    bells: BellTower


def followed(
    desk: FeedDesk, whose: Whose, types: tuple[str, ...], is_admitted: Callable[[], Awaitable[bool]]
) -> Followed:
    return Followed(whose.key, partial(desk.teller.next, whose, types), is_admitted)


async def begin(desk: FeedDesk, whose: Whose, last_event_id: str | None) -> tuple[int, bytes]:
    """The number to go on after, and what the client is told first.

    Without an id it begins with what comes now. It is told the id of the latest event, so that nothing is missed if
    the connection breaks before there is another. An id that is unknown, or too old to be, makes it begin so too, with
    an event `reset`: what has happened since it has to find out by itself.
    """
    if last_event_id:
        number = await _number(desk, whose, last_event_id)
        if number is not None:
            return number, b""
    number, event_id = await desk.reader.find_end(whose) or (0, _BEGINNING)
    here = f"id: {encode('evt', event_id)}\n".encode()
    if not last_event_id:
        return number, here + b"\n"
    reason = {"reason": "unknown_event", "detail": f"{last_event_id[:100]!r} is no event of the last weeks."}
    return number, here + RESET % dumps(reason)


async def _number(desk: FeedDesk, whose: Whose, last_event_id: str) -> int | None:
    try:
        event_id = decode("evt", last_event_id)
    except ValueError:
        return None
    return 0 if event_id == _BEGINNING else await desk.reader.find_number(whose, event_id)
