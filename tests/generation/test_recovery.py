"""Faults at the worst moment: what was paid for is kept, what was sent is not sent again, and every task ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.assets.outputs import Outputs
from app.core import clock, queue
from app.core.problems import DependencyDown
from app.generation import advance, queries, recording, service
from app.generation.advance import Engine
from app.ledger.verify import verify
from app.providers.base import Accepted, Call, Done, ErrorCode, Running, Transient
from tests.generation.conftest import Stage
from tests.generation.scripted import done


async def test_results_outlive_a_redis_that_hangs_after_the_commit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat sees that the task has ended, and stops the worker that has just ended it."""

    async def hang(*_: object) -> None:
        await asyncio.sleep(queue.SEND_SECONDS)

    stage.first.script = [done()]
    task_id = await stage.order()
    monkeypatch.setattr(queue, "send", hang)
    task = await stage.advance(task_id)
    assert (task.status, len(task.outputs)) == ("succeeded", 1)
    assert await stage.credits() == (9, 0, 1)


@pytest.mark.parametrize("fault", [ConnectionRefusedError(), TimeoutError()])
async def test_a_result_outlives_a_database_that_goes_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """Longer than the lease, and another worker has begun to wonder."""
    monkeypatch.setattr(recording, "PAUSE_SECONDS", 0.05)
    stage.first.script = [done()]
    task_id = await stage.order()
    keep, is_down = queries.record_results, True

    async def flaky(*args: Any) -> Any:
        if is_down:
            raise fault
        return await keep(*args)

    engine = _with_write(stage, "_finish", flaky)
    await stage.make_due(task_id)
    work = asyncio.create_task(advance.advance_task(engine, task_id))
    while not stage.first.calls:
        await asyncio.sleep(0.01)
    assert (await stage.advance(task_id)).status == "reconciling", "another worker had it meanwhile"
    is_down = False
    await work
    task = await stage.read(task_id)
    assert (task.status, len(task.outputs), len(stage.first.calls)) == ("succeeded", 1, 1)
    assert [one.status for one in task.attempts] == ["succeeded"]
    assert await stage.credits() == (9, 0, 1)


async def test_a_result_nobody_waits_for_any_more_is_not_taken_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.first.script = [done()]
    task_id = await stage.order()
    keep = queries.record_results

    async def late(*args: Any) -> Any:
        async with stage.database.transaction() as session:
            await service.cancel_task(session, stage.caller, task_id)
        return await keep(*args)

    await stage.make_due(task_id)
    await advance.advance_task(_with_write(stage, "_finish", late), task_id)
    task = await stage.read(task_id)
    assert (task.status, task.outputs) == ("canceled", [])
    assert await stage.credits() == (10, 0, 0)
    async with stage.database.transaction() as session:
        left = await session.execute(text("select 1 from assets where task_id = :id"), {"id": task_id})
        assert left.all() == []


async def test_results_outlive_a_commit_nobody_heard_of(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PAUSE_SECONDS", 0.01)
    keep, faults = queries.record_results, [ConnectionResetError()]

    async def deaf(*args: Any) -> Any:
        done = await keep(*args)
        if faults:
            raise faults.pop()
        return done

    stage.first.script = [done()]
    task_id = await stage.order()
    await stage.make_due(task_id)
    await advance.advance_task(_with_write(stage, "_finish", deaf), task_id)
    task = await stage.read(task_id)
    assert (task.status, len(task.outputs)) == ("succeeded", 1)
    assert await stage.events(task_id) == ["task.created", "task.started", "task.succeeded"]
    assert await stage.credits() == (9, 0, 1)


async def test_who_slept_beyond_the_lease_makes_no_call_another_has_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt is noted; before the call the process is stopped, and what the provider says is true by then."""
    begin = queries.begin_attempts
    engine = stage.with_settings(lease_seconds=0.3)
    monkeypatch.setattr(engine.heart, "_beat", lambda: asyncio.sleep(0))  # it would notice, if it came first

    async def stopped(*args: Any) -> Any:
        noted = await begin(*args)
        await asyncio.sleep(0.35)
        stage.first.found = [Transient(ErrorCode.PROVIDER_UNAVAILABLE, "There was no call.")]
        stage.first.script = [done()]
        assert (await stage.advance(task_id)).status == "processing"
        assert (await stage.advance(task_id)).status == "succeeded"
        return noted

    monkeypatch.setattr(engine.recorder, "_begin", engine.recorder._lane(stopped))
    task_id = await stage.order()
    await stage.make_due(task_id)
    await advance.advance_task(engine, task_id)
    assert len(stage.first.calls) == 1
    assert [one.status for one in (await stage.read(task_id)).attempts] == ["failed", "succeeded"]


async def test_who_slept_while_connecting_makes_no_call_another_has_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stage.with_settings(lease_seconds=0.3)
    monkeypatch.setattr(engine.heart, "_beat", lambda: asyncio.sleep(0))
    submit, sent = stage.first.submit, []

    async def slowly(call: Call) -> Done | Accepted:
        if not sent:
            sent.append("another")
            await asyncio.sleep(0.35)
            stage.first.found = [Transient(ErrorCode.PROVIDER_UNAVAILABLE, "There was no call.")]
            stage.first.script = [done()]
            assert (await stage.advance(task_id)).status == "processing"
            assert (await stage.advance(task_id)).status == "succeeded"
            call.about_to_send()
            sent.append("the sleeper")
        return await submit(call)

    monkeypatch.setattr(stage.first, "submit", slowly)
    task_id = await stage.order()
    await stage.make_due(task_id)
    await advance.advance_task(engine, task_id)
    assert (sent, len(stage.first.calls)) == (["another"], 1)


async def test_who_slept_beyond_the_lease_goes_on_where_nobody_came(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = queries.begin_attempts
    engine = stage.with_settings(lease_seconds=0.3)
    monkeypatch.setattr(engine.heart, "_beat", lambda: asyncio.sleep(0))

    async def stopped(*args: Any) -> Any:
        noted = await begin(*args)
        await asyncio.sleep(0.35)
        return noted

    monkeypatch.setattr(engine.recorder, "_begin", engine.recorder._lane(stopped))
    stage.first.script = [done()]
    task_id = await stage.order()
    await stage.make_due(task_id)
    await advance.advance_task(engine, task_id)
    assert (await stage.read(task_id)).status == "succeeded"


def _with_write(stage: Stage, lane: str, write: Any) -> Engine:
    engine = replace(stage.engine)
    setattr(engine.recorder, lane, engine.recorder._lane(write))
    return engine


async def test_an_adapter_that_crashes_may_have_sent_a_paid_call(stage: Stage) -> None:
    def crash() -> None:
        raise KeyError("oops")

    stage.first.script = [crash, done()]  # type: ignore[list-item]
    task_id = await stage.order()
    assert (await stage.advance(task_id)).status == "reconciling"
    stage.first.found = [done()]
    assert (await stage.advance(task_id)).status == "succeeded"
    assert len(stage.first.calls) == 1


async def test_a_paid_result_waits_for_a_storage_that_is_down(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PAUSE_SECONDS", 0.01)
    faults = [DependencyDown() for _ in range(5)]
    for name in ("read", "store"):
        monkeypatch.setattr(Outputs, name, _after(faults.copy(), getattr(Outputs, name)))
    stage.first.script = [done()]
    task = await stage.advance(await stage.order())
    assert (task.status, len(task.attempts), len(stage.first.calls)) == ("succeeded", 1, 1)


def _after(faults: list[Exception], work: Any) -> Any:
    async def faulty(*args: Any, **fields: Any) -> Any:
        if faults:
            raise faults.pop()
        return await work(*args, **fields)

    return faulty


@pytest.mark.parametrize("minutes", [-60, 60])
async def test_the_clock_of_the_worker_does_not_matter(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    wrong = clock.now
    monkeypatch.setattr(clock, "now", lambda: wrong() + timedelta(minutes=minutes))
    stage.first.script = [done()]
    assert (await stage.advance(await stage.order())).status == "succeeded"
    stage.first.script = [5.0, done()]
    task_id = await stage.order()
    await advance.advance_task(stage.with_settings(image_deadline_seconds=0.3), task_id)
    assert (await stage.read(task_id)).status == "failed"


@pytest.mark.parametrize("script", [[Accepted("job-1", 9e5)], [Accepted("job-1"), Running(poll_after=9e5)]])
async def test_no_provider_puts_a_task_to_sleep_beyond_its_deadline(stage: Stage, script: list[Any]) -> None:
    stage.first.script = list(script)
    task_id = await stage.order()
    for _ in script:
        await stage.advance(task_id)
    row = await stage.row(task_id)
    assert row.deadline_at is not None
    assert row.wake_at <= row.deadline_at


async def test_a_job_past_its_deadline_is_canceled_at_the_provider(stage: Stage) -> None:
    stage.first.script = [Accepted("job-1")]
    task_id = await stage.order()
    await stage.advance(task_id)
    await stage.leave(task_id, seconds=0)
    task = await stage.advance(task_id)
    assert (task.status, task.attempts[0].status) == ("failed", "canceled")
    assert await stage.credits() == (10, 0, 0)


async def test_a_late_heartbeat_does_not_move_the_time_a_sleeping_task_is_woken(stage: Stage) -> None:
    stage.first.script = [Transient(ErrorCode.PROVIDER_UNAVAILABLE, "busy", retry_after=30)]
    task_id = await stage.order()
    await stage.advance(task_id)
    before = (await stage.row(task_id)).wake_at
    assert await queries.extend_leases(stage.database, [(task_id, 1)], timedelta(seconds=3)) == set()
    assert (await stage.row(task_id)).wake_at == before


async def test_a_task_handed_over_goes_on_at_once_and_loses_no_try(stage: Stage) -> None:
    stage.first.is_repeatable = True
    task_id = await stage.order()
    for count in range(1, 4):
        stage.first.script = [60.0]
        await stage.make_due(task_id)
        work = asyncio.create_task(advance.advance_task(stage.engine, task_id))
        async with asyncio.timeout(10):
            while len(stage.first.calls) < count:
                await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.wait([work])
    stage.first.script = [Transient(ErrorCode.PROVIDER_UNAVAILABLE, "down"), done()]
    assert (await stage.advance(task_id)).status == "processing"
    assert (await stage.advance(task_id)).status == "succeeded"


@pytest.fixture(autouse=True)
async def _the_books_are_right(stage: Stage) -> AsyncIterator[None]:
    yield
    async with stage.database.transaction() as session:
        assert await verify(session) == []
