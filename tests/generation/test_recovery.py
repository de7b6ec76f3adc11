"""Faults at the worst moment: what was paid for is kept, what was sent is not sent again, and every task ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.exc import OperationalError

from app.core import queue
from app.ledger.verify import verify
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


async def test_results_outlive_a_commit_nobody_heard_of(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(_: object, outbox: list[object]) -> None:
        if "task.succeeded" in await stage.events(task_id):
            raise OperationalError("commit", {}, Exception("connection lost"))

    stage.first.script = [done()]
    task_id = await stage.order()
    monkeypatch.setattr(queue, "send", lose)
    with pytest.raises(OperationalError):
        await stage.advance(task_id)
    task = await stage.read(task_id)
    assert (task.status, len(task.outputs)) == ("succeeded", 1)


@pytest.fixture(autouse=True)
async def _the_books_are_right(stage: Stage) -> AsyncIterator[None]:
    yield
    async with stage.database.transaction() as session:
        assert await verify(session) == []
