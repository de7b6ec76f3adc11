"""Room for so many bytes at once."""

import asyncio
from contextlib import suppress

from app.core.room import Room


class Crowd:
    """Those who want in, and who is in."""

    def __init__(self, most: int) -> None:
        self.room = Room(most)
        self.inside: list[str] = []
        self.leaves: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, size: int) -> None:
        self.leaves[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, size))
        await asyncio.sleep(0)

    async def _stay(self, name: str, size: int) -> None:
        async with self.room.take(size):
            self.inside.append(name)
            await self.leaves[name].wait()
        self.inside.remove(name)

    async def go(self, name: str) -> None:
        self.leaves[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)


async def test_who_would_be_one_too_many_waits() -> None:
    crowd = Crowd(10)
    for name in ("a", "b", "c"):
        await crowd.come(name, 4)
    assert crowd.inside == ["a", "b"]
    await crowd.go("a")
    assert crowd.inside == ["b", "c"]


async def test_the_small_do_not_overtake_the_large() -> None:
    crowd = Crowd(10)
    await crowd.come("small", 4)
    await crowd.come("large", 10)
    await crowd.come("late", 1)
    assert crowd.inside == ["small"]
    await crowd.go("small")
    assert crowd.inside == ["large"]
    await crowd.go("large")
    assert crowd.inside == ["late"]


async def test_what_is_larger_than_the_room_is_in_it_alone() -> None:
    crowd = Crowd(10)
    await crowd.come("huge", 1000)
    await crowd.come("small", 1)
    assert crowd.inside == ["huge"]
    await crowd.go("huge")
    assert crowd.inside == ["small"]


async def test_whoever_gives_up_takes_nobody_s_room() -> None:
    crowd = Crowd(10)
    await crowd.come("first", 6)
    await crowd.come("large", 10)
    await crowd.come("small", 4)
    crowd.tasks["large"].cancel()
    with suppress(asyncio.CancelledError):
        await crowd.tasks["large"]
    await asyncio.sleep(0)
    assert crowd.inside == ["first", "small"]


async def test_whoever_is_let_in_and_canceled_at_once_gives_the_room_back() -> None:
    crowd = Crowd(10)
    await crowd.come("first", 10)
    await crowd.come("second", 10)
    crowd.leaves["first"].set()
    await asyncio.sleep(0)  # it leaves, and the second is let in but has not woken
    crowd.tasks["second"].cancel()
    with suppress(asyncio.CancelledError):
        await crowd.tasks["second"]
    await crowd.come("third", 10)
    assert crowd.inside[-1:] == ["third"]
