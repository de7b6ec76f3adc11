"""A vendor is asked no more often, and for no more at once, than it allows: tasks wait, and do not fail."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as NoRedis

from app.core.db import Database
from app.generation.turns import LONGEST_WAIT_SECONDS, Turns
from app.providers.base import Accepted, Busy, ErrorCode, Running, Transient
from app.providers.limits import Traffic
from tests.generation.conftest import Stage, forget_breakers
from tests.generation.scripted import done

OFTEN = Traffic(requests_per_minute=60)  # one in a second, 6 at once
ONE_PLACE = Traffic(jobs_at_once=1)
DOWN = Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider answered with status 503.")


@pytest.fixture
async def turns(database: Database) -> Turns:
    await forget_breakers(database)
    return Turns(database.redis, place_seconds=1.0)


async def test_a_bucket_gives_each_a_time_of_its_own(turns: Turns) -> None:
    waits = [await turns.enter("acme", f"task {number}", OFTEN) for number in range(10)]
    assert waits[:6] == [0] * 6
    assert waits[6:] == sorted(waits[6:])
    assert 0 < waits[6] <= 1
    assert 2 < waits[9] <= 4
    await asyncio.sleep(waits[6])
    assert await turns.enter("acme", "task 6", OFTEN) == 0, "its time has come"
    assert await turns.enter("acme", "task 9", OFTEN) > 0, "who comes too early keeps his time"
    assert await turns.enter("other", "task 70", OFTEN) == 0


async def test_places_are_limited_and_given_back(turns: Turns) -> None:
    assert await turns.enter("acme", "first", ONE_PLACE) == 0
    assert await turns.enter("acme", "first", ONE_PLACE) == 0, "it has it already"
    assert await turns.enter("acme", "second", ONE_PLACE) == 1
    assert await turns.enter("acme", "third", ONE_PLACE) == 2, "the longer the crowd the later it comes again"
    await turns.leave("acme", "first", ONE_PLACE)
    assert await turns.enter("acme", "second", ONE_PLACE) == 0


async def test_who_waits_for_a_place_comes_again_in_seconds(turns: Turns) -> None:
    waits = [await turns.enter("acme", f"task {number}", ONE_PLACE) for number in range(40)]
    assert max(waits) == LONGEST_WAIT_SECONDS


async def test_a_place_nobody_asks_for_is_free_again(turns: Turns) -> None:
    assert await turns.enter("acme", "died", ONE_PLACE) == 0
    await asyncio.sleep(0.6)
    await turns.keep("acme", "died", ONE_PLACE)
    await asyncio.sleep(0.6)
    assert await turns.enter("acme", "next", ONE_PLACE) > 0
    await asyncio.sleep(0.6)
    assert await turns.enter("acme", "next", ONE_PLACE) == 0
    await turns.keep("acme", "died", ONE_PLACE)
    assert await turns.enter("acme", "third", ONE_PLACE) > 0, "and is not taken back"


async def test_without_redis_all_may_go(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> None:
        raise NoRedis

    monkeypatch.setattr(turns.redis, "eval", gone)
    assert [await turns.enter("acme", f"task {number}", ONE_PLACE) for number in range(2)] == [0, 0]


async def seconds_left(stage: Stage, task_id: UUID) -> float:
    task = await stage.row(task_id)
    assert task.deadline_at is not None
    assert task.started_at is not None
    return (task.deadline_at - task.started_at) / timedelta(seconds=1)


async def test_tasks_wait_for_a_place_and_their_deadline_waits_too(stage: Stage) -> None:
    stage.first.traffic = ONE_PLACE
    stage.first.script = [Accepted("job-1"), done()]
    stage.first.found = []
    one, two = await stage.order(provider="scripted"), await stage.order(provider="scripted")
    assert (await stage.advance(one)).status == "processing"
    held = await stage.advance(two)
    assert (held.status, held.attempts) == ("processing", [])
    assert len(stage.first.calls) == 1
    assert await seconds_left(stage, two) > 300.5
    stage.first.script = [Running(), done(), done()]
    assert (await stage.advance(one)).status == "processing"
    assert (await stage.advance(two)).attempts == []
    assert (await stage.advance(one)).status == "succeeded"
    assert (await stage.advance(two)).status == "succeeded"


async def test_a_vendor_that_is_asked_too_often_is_asked_again_as_late_as_it_wants(stage: Stage) -> None:
    """However many times: it is no try, and no fault of the vendor's."""
    stage.first.script = [Busy(retry_after=0.01) for _ in range(5)] + [DOWN, DOWN, done()]
    task_id = await stage.order(provider="scripted")
    for _ in range(12):
        if (task := await stage.advance(task_id)).status == "succeeded":
            break
        await asyncio.sleep(0.02)
    assert task.status == "succeeded"
    codes = [attempt.error.code for attempt in task.attempts if attempt.error]
    assert codes == ["provider_busy"] * 5 + ["provider_unavailable"] * 2
    assert await stage.credits() == (9, 0, 1)


async def test_the_wait_it_asks_for_is_kept_to(stage: Stage) -> None:
    stage.first.script = [Busy(retry_after=120)]
    task_id = await stage.order(provider="scripted")
    await stage.advance(task_id)
    row = await stage.row(task_id)
    assert row.deadline_at is not None
    assert row.started_at is not None
    assert (row.wake_at - row.started_at).total_seconds() >= 120
    assert (row.deadline_at - row.started_at).total_seconds() >= 420


async def test_where_there_is_another_nobody_waits_long(stage: Stage) -> None:
    stage.first.script = [Busy(retry_after=60)]
    stage.second.script = [done()]
    task_id = await stage.order()
    for _ in range(2):
        task = await stage.advance(task_id)
        if task.status == "succeeded":
            break
    assert (task.status, task.provider) == ("succeeded", "second")


async def test_nobody_waits_for_ever(stage: Stage) -> None:
    stage.first.script = [Busy(retry_after=3000) for _ in range(4)]
    task_id = await stage.order(provider="scripted")
    task = await stage.advance(task_id)
    assert task.status == "processing"
    stage.first.script = [Busy(retry_after=5000) for _ in range(4)]
    await forget_breakers(stage.database)
    for _ in range(4):
        if (task := await stage.advance(task_id)).status == "failed":
            break
        await forget_breakers(stage.database)
    assert task.error is not None
    assert task.error.code == "provider_unavailable"
    assert await stage.credits() == (10, 0, 0)
