"""Many small things done as one."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from app.core.lane import Lane


async def test_what_comes_meanwhile_is_the_next_batch() -> None:
    batches: list[list[int]] = []

    async def work(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        await asyncio.sleep(0.01)
        return [item * 10 for item in items]

    lane: Lane[int, int] = Lane(work, most=3)
    results = await asyncio.gather(*(lane.do(number) for number in range(6)))
    assert results == [0, 10, 20, 30, 40, 50]
    assert batches == [[0, 1, 2], [3, 4, 5]]
    assert await lane.do(7) == 70
    assert batches[-1] == [7]


async def test_of_a_batch_the_database_refused_only_the_bad_one_fails() -> None:
    async def work(items: Sequence[int]) -> list[int]:
        await asyncio.sleep(0)
        if 1 in items:
            raise asyncpg.CheckViolationError("no ones")
        return list(items)

    lane: Lane[int, int] = Lane(work)
    results = await asyncio.gather(*(lane.do(number) for number in range(3)), return_exceptions=True)
    assert [results[0], results[2]] == [0, 2]
    assert isinstance(results[1], asyncpg.CheckViolationError)


async def test_what_may_have_been_done_is_not_tried_again() -> None:
    tries = 0

    async def work(items: Sequence[int]) -> list[int]:
        nonlocal tries
        tries += 1
        raise asyncpg.ConnectionDoesNotExistError("gone")

    lane: Lane[int, int] = Lane(work)
    results = await asyncio.gather(*(lane.do(number) for number in range(3)), return_exceptions=True)
    assert all(isinstance(result, asyncpg.ConnectionDoesNotExistError) for result in results)
    assert tries == 1


async def test_a_caller_that_goes_away_takes_nothing_out_of_the_batch() -> None:
    done: list[int] = []

    async def work(items: Sequence[int]) -> list[int]:
        await asyncio.sleep(0.01)
        done.extend(items)
        return list(items)

    lane: Lane[int, int] = Lane(work)
    going = asyncio.create_task(lane.do(1))
    await asyncio.sleep(0)
    staying = asyncio.create_task(lane.do(2))
    await asyncio.sleep(0)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert await staying == 2
    await lane.drain()
    assert done == [1, 2]


async def test_what_is_the_same_is_done_once_for_all_who_ask() -> None:
    batches: list[list[int]] = []

    async def work(items: Sequence[int]) -> list[list[int]]:
        batches.append(list(items))
        await asyncio.sleep(0.01)
        return [[item] for item in items]

    lane: Lane[int, list[int]] = Lane(work, most=2, shares=True)
    results = await lane.do_all([1, 1, 2, 1, 3, 2])
    assert results == [[1], [1], [2], [1], [3], [2]]
    assert results[0] is results[1] is results[3]
    assert batches == [[1, 2], [3, 2]]


async def test_a_wide_lane_has_several_batches_under_way() -> None:
    batches: list[list[int]] = []
    gates: dict[int, asyncio.Event] = {number: asyncio.Event() for number in range(4)}

    async def work(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        await gates[items[0]].wait()
        return list(items)

    lane: Lane[int, int] = Lane(work, width=2)
    asked = []
    for number in range(4):
        asked.append(asyncio.create_task(lane.do(number)))
        await asyncio.sleep(0.01)
    assert batches == [[0], [1]]
    gates[1].set()
    await asked[1]
    assert batches == [[0], [1], [2, 3]]
    gates[2].set()
    assert await asked[3] == 3
    later = asyncio.create_task(lane.do(3))
    gates[3].set()
    assert await later == 3
    assert not asked[0].done()
    gates[0].set()
    await lane.drain()
    assert await asked[0] == 0


async def test_what_comes_at_one_moment_goes_together_in_a_wide_lane_too() -> None:
    batches: list[list[int]] = []

    async def work(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        await asyncio.sleep(0.01)
        return list(items)

    lane: Lane[int, int] = Lane(work, width=4, shares=True)
    assert await lane.do_all([1, 2, 1, 3]) == [1, 2, 1, 3]
    assert batches == [[1, 2, 3]]


async def test_of_many_the_first_failure_is_raised() -> None:
    async def work(items: Sequence[int]) -> list[int]:
        raise OSError("away")

    lane: Lane[int, int] = Lane(work, most=1)
    with pytest.raises(OSError, match="away"):
        await lane.do_all(range(3))
    await lane.drain()
