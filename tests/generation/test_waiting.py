"""Streams of a task's events, and the waits of many."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from app.core import queue
from app.core.bells import BellTower
from app.core.db import Database
from app.core.ids import encode
from app.events import following
from app.events.following import follow
from app.events.reader import EventReader
from app.events.service import CHANNEL
from app.generation import service, waiting
from app.generation.reader import TaskReader
from app.generation.telling import Teller
from app.generation.waiting import Lookout
from app.providers.base import ErrorCode, Rejected
from tests.conftest import client
from tests.generation.conftest import Stage
from tests.generation.scripted import done

NO = Rejected(ErrorCode.PROVIDER_REJECTED, "no")


@pytest.fixture
async def lookout(stage: Stage) -> AsyncIterator[Lookout]:
    redis = queue.connect(stage.engine.settings)
    events = EventReader(stage.database)
    tower = BellTower(redis, CHANNEL, look=events.latest)
    tower.start()
    tasks = TaskReader(stage.database, stage.engine.assets)
    yield Lookout(tasks, events, Teller(events, tasks), tower)
    await tower.close()
    await redis.aclose(close_connection_pool=True)


async def _always() -> bool:
    return True


async def _told(stage: Stage, lookout: Lookout, task_id: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every event of the stream with its data, to its end."""
    found = []
    followed = waiting.followed_task(lookout, stage.caller, task_id, _always)
    async with asyncio.timeout(20):
        async for messages in follow(lookout.bells, followed, after=0):
            for message in messages.decode().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in message.splitlines() if line[0] != ":")
                if "event" in fields:
                    found.append((fields["event"], json.loads(fields["data"])))
    return found


async def test_each_event_tells_of_its_own_moment(stage: Stage, lookout: Lookout) -> None:
    """A failure before a retry has no results, though the task has them now."""
    stage.first.script = [NO, done()]
    task_id = await stage.order()
    await stage.advance(task_id)
    async with stage.database.transaction() as session:
        await service.retry_task(session, stage.engine.settings, stage.caller, task_id)
        session.info.pop("outbox", None)
    await stage.advance(task_id)
    told = dict(await _told(stage, lookout, task_id))
    assert told["task.failed"]["outputs"] == []
    assert len(told["task.succeeded"]["outputs"]) == 1


async def test_a_stream_of_a_task_that_is_deleted_ends(
    stage: Stage, lookout: Lookout, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.first.script = [NO]
    task_id = await stage.order()
    following = asyncio.create_task(_told(stage, lookout, task_id))
    await asyncio.sleep(0.2)
    monkeypatch.setattr(queue, "send", _nothing)  # the stream hears of both at once
    await stage.advance(task_id)
    async with stage.database.transaction() as session:
        await service.delete_task(session, stage.caller, task_id)
    assert {name for name, _ in await following} <= {"task.created", "task.started"}


async def _nothing(*_: object) -> None:
    return None


async def test_a_stream_ends_when_its_key_is_revoked(
    stage: Stage, server: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PING_SECONDS", 0.2)
    task_id = await stage.order()
    made = (await stage.account.live.post("/v1/api-keys", json={"name": "shop"})).json()
    url = f"/v1/tasks/{encode('task', task_id)}/events"
    async with client(stage.engine.settings, made["secret"]) as shop, shop.stream("GET", url) as answer:
        lines = aiter(answer.aiter_lines())
        while await anext(lines) != ": ping":
            pass
        await stage.account.live.delete(f"/v1/api-keys/{made['id']}")
        async with asyncio.timeout(5):
            async for _ in lines:
                pass


async def test_a_client_that_goes_away_leaves_nothing_behind(stage: Stage, server: FastAPI) -> None:
    task_id = await stage.order()
    url = f"/v1/tasks/{encode('task', task_id)}/events"
    async with stage.account.live.stream("GET", url) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data"):
                break
        assert str(task_id) in server.state.lookout.bells._bells
    async with asyncio.timeout(20):
        while str(task_id) in server.state.lookout.bells._bells:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("way", ["?wait=20", "/events"])
async def test_however_many_wait_for_a_task_its_end_is_read_once(
    stage: Stage, server: FastAPI, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    task_id = await stage.order()
    url = f"/v1/tasks/{encode('task', task_id)}{way}"
    waiting = [asyncio.create_task(stage.account.live.get(url)) for _ in range(80)]
    bells = server.state.lookout.bells._bells
    async with asyncio.timeout(20):
        while len(bells.get(str(task_id), ())) < len(waiting):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    statements: list[str] = []
    fetch = Database.fetch

    async def counted(self: Database, statement: str, *args: Any) -> Any:
        if self is server.state.database:
            statements.append(statement)
        return await fetch(self, statement, *args)

    monkeypatch.setattr(Database, "fetch", counted)
    async with stage.database.transaction() as session:
        await service.cancel_task(session, stage.caller, task_id)
    answers = await asyncio.gather(*waiting)
    assert all(answer.status_code == 200 and "canceled" in answer.text for answer in answers)
    assert len(statements) <= 6, statements


async def test_a_message_that_is_no_key_does_not_silence_the_bells(stage: Stage, lookout: Lookout) -> None:
    redis = queue.connect(stage.engine.settings)
    with lookout.bells.bell("x") as bell:
        await asyncio.sleep(0.2)
        await redis.publish(CHANNEL, b"\xff\xfe")
        await bell.wait(0.1)
        await redis.publish(CHANNEL, b"x")
        async with asyncio.timeout(1):
            await bell.wait(5)
    await redis.aclose(close_connection_pool=True)
