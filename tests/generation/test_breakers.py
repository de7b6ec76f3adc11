"""Vendors that fail are left alone for a while, by all workers, with Redis and without."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as NoRedis

from app.core.db import Database
from app.core.settings import Settings
from app.generation import breakers
from app.generation.breakers import Breakers, State
from app.providers.base import ErrorCode, Rejected, Transient
from tests.generation.conftest import Stage, forget_breakers
from tests.generation.scripted import done

DOWN = Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider answered with status 503.")
NAME = "acme/one"


@pytest.fixture
async def pair(database: Database, settings: Settings) -> tuple[Breakers, Breakers]:
    """Two workers'."""
    await forget_breakers(database)
    brief = settings.model_copy(update={"providers": settings.providers.model_copy(update={"breaker_seconds": 0.3})})
    return Breakers(database.redis, brief), Breakers(database.redis, brief)


async def test_three_failures_in_a_row_open_it_for_all(pair: tuple[Breakers, Breakers]) -> None:
    one, other = pair
    await one.note(NAME, DOWN)
    await other.note(NAME, DOWN)
    assert await one.wait(NAME) == 0
    await one.note(NAME, DOWN)
    assert 0 < await one.wait(NAME) <= 0.3
    await asyncio.sleep(breakers.FRESH_SECONDS)
    assert await other.wait("acme/two") == 0


async def test_a_success_between_closes_it(pair: tuple[Breakers, Breakers]) -> None:
    one, other = pair
    for fault in (DOWN, DOWN, None, DOWN, DOWN, Rejected(ErrorCode.CONTENT_REJECTED, "No."), DOWN, DOWN):
        await one.note(NAME, fault)
    assert await one.wait(NAME) == await other.wait(NAME) == 0


async def test_then_one_at_a_time_tries_it(pair: tuple[Breakers, Breakers]) -> None:
    one, other = pair
    for _ in range(3):
        await one.note(NAME, DOWN)
    await asyncio.sleep(0.35)
    waits = [await one.wait(NAME), await other.wait(NAME)]
    assert sorted(wait > 0 for wait in waits) == [False, True]
    await one.note(NAME, DOWN)
    assert 0.3 < await one.wait(NAME) <= 0.6, "twice as long"
    await asyncio.sleep(0.65)
    assert await one.wait(NAME) == 0
    await one.note(NAME, None)
    assert await other.wait(NAME) == await one.wait(NAME) == 0


async def test_what_fails_while_it_is_open_was_called_before(pair: tuple[Breakers, Breakers]) -> None:
    one, other = pair
    for _ in range(20):
        await one.note(NAME, DOWN)
        await other.note(NAME, DOWN)
    assert 0 < await one.wait(NAME) <= 0.3
    assert 0 < await other.wait(NAME) <= 0.3


async def test_its_state_is_told(pair: tuple[Breakers, Breakers]) -> None:
    one, other = pair
    assert await one.states([NAME, "acme/two"]) == {NAME: State.CLOSED, "acme/two": State.CLOSED}
    for _ in range(3):
        await one.note(NAME, DOWN)
    assert await other.states([NAME, "acme/two"]) == {NAME: State.OPEN, "acme/two": State.CLOSED}
    await asyncio.sleep(0.35)
    assert await other.states([NAME]) == {NAME: State.HALF_OPEN}
    await one.note(NAME, None)
    assert await other.states([NAME]) == {NAME: State.CLOSED}


async def test_a_vendor_says_when_to_come_back(pair: tuple[Breakers, Breakers]) -> None:
    one, other = pair
    await one.note(NAME, Transient(ErrorCode.PROVIDER_UNAVAILABLE, "429", retry_after=7))
    assert 6 < await one.wait(NAME) <= 7
    assert 6 < await other.wait(NAME) <= 7


async def test_without_redis_it_goes_by_what_it_has_seen(
    pair: tuple[Breakers, Breakers], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise NoRedis

    one, other = pair
    monkeypatch.setattr(one._redis, "eval", gone)
    monkeypatch.setattr(one._redis, "delete", gone)
    for _ in range(3):
        await one.note(NAME, DOWN)
    assert 0 < await one.wait(NAME) <= 0.3
    assert await other.wait(NAME) == 0
    await asyncio.sleep(0.35)
    assert await one.wait(NAME) == 0
    await one.note(NAME, None)
    assert await one.wait(NAME) == 0


async def test_tasks_go_round_a_vendor_that_is_down(stage: Stage) -> None:
    """The first of them finds out; the others do not ask it again."""
    stage.first.script = [DOWN, DOWN, DOWN]
    stage.second.script = [done() for _ in range(4)]
    task_ids = [await stage.order() for _ in range(4)]
    for task_id in task_ids:
        for _ in range(4):
            if (task := await stage.advance(task_id)).status == "succeeded":
                break
        assert (task.status, task.provider) == ("succeeded", "second")
    assert len(stage.first.calls) == 3
    assert await stage.credits() == (6, 0, 4)


async def test_where_there_is_no_other_a_task_waits_and_does_not_fail(stage: Stage) -> None:
    for _ in range(3):
        await stage.engine.gates.breakers.note("scripted/one", DOWN)
    task_id = await stage.order(provider="scripted")
    task = await stage.advance(task_id)
    assert (task.status, task.attempts) == ("processing", [])
    await stage.engine.gates.breakers.note("scripted/one", None)
    stage.first.script = [done()]
    assert (await stage.advance(task_id)).status == "succeeded"


async def test_when_the_pause_is_over_all_may_call(pair: tuple[Breakers, Breakers]) -> None:
    one, other = pair
    await one.note(NAME, Transient(ErrorCode.PROVIDER_UNAVAILABLE, "429", retry_after=0.2))
    await asyncio.sleep(0.25)
    assert [await one.wait(NAME), await other.wait(NAME), await one.wait(NAME)] == [0, 0, 0]
