"""Where a pending task stands in its queue, wherever the task is shown."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import encode
from app.generation import service
from app.generation.schemas import TaskCreate
from tests.generation.conftest import Stage


async def shown(stage: Stage, task_id: UUID, etag: str | None = None) -> httpx.Response:
    headers = {"If-None-Match": etag} if etag else {}
    return await stage.account.live.get(f"/v1/tasks/{encode('task', task_id)}", headers=headers)


async def places(stage: Stage, task_ids: Sequence[UUID]) -> list[int | None]:
    return [(await shown(stage, task_id)).json()["queue_position"] for task_id in task_ids]


async def run(stage: Stage, statement: str, **values: Any) -> Any:
    async with stage.database.transaction() as session:
        return await session.execute(text(statement), {"workspace": stage.account.workspace_id, **values})


async def order(stage: Stage, count: int) -> list[UUID]:
    image = await stage.account.upload()
    body = TaskCreate.model_validate({"operation": "upscale", "input": {"image": image}})
    return [(await stage.intake.order(stage.caller, body, None)).task_id for _ in range(count)]


async def test_an_order_is_answered_with_the_place_at_which_it_reads(stage: Stage) -> None:
    image = await stage.account.upload()
    body = TaskCreate.model_validate({"operation": "upscale", "input": {"image": image}})
    receipts = [await stage.intake.order(stage.caller, body, None) for _ in range(3)]
    for position, receipt in enumerate(receipts, 1):
        read = (await shown(stage, receipt.task_id)).json()
        assert receipt.shown["queue_position"] == read["queue_position"] == position
        assert receipt.shown["estimated_start_at"] == read["estimated_start_at"] == read["created_at"]


async def test_only_those_ahead_in_the_same_queue_count(stage: Stage) -> None:
    [first, second, third] = await order(stage, 3)
    assert await places(stage, [first, second, third]) == [1, 2, 3]
    async with stage.database.transaction() as session:
        await service.cancel_task(session, stage.caller, second)
    assert await places(stage, [first, second, third]) == [1, None, 2]
    await run(stage, "update tasks set status = 'processing' where id = :id", id=first)
    assert await places(stage, [first, third]) == [None, 1]


async def test_the_etag_changes_with_the_place(stage: Stage) -> None:
    [first, second] = await order(stage, 2)
    before = await shown(stage, second)
    assert (await shown(stage, second, before.headers["etag"])).status_code == 304
    async with stage.database.transaction() as session:
        await service.cancel_task(session, stage.caller, first)
    after = await shown(stage, second, before.headers["etag"])
    assert (after.status_code, after.json()["queue_position"]) == (200, 1)
    assert (await shown(stage, second, after.headers["etag"])).status_code == 304
    await run(stage, "update task_queues set slots = 1, running = 1 where workspace_id = :workspace")
    later = await shown(stage, second, after.headers["etag"])
    assert later.status_code == 200
    assert later.json()["estimated_start_at"] > after.json()["estimated_start_at"]


async def test_the_start_is_estimated_by_slots_and_by_the_last_service(stage: Stage) -> None:
    tasks = await order(stage, 8)
    await run(stage, "update tasks set estimated_seconds = 20 where workspace_id = :workspace")
    served_at = datetime(2030, 1, 1, tzinfo=UTC)
    await run(
        stage,
        "update task_queues set slots = 3, running = 1, served_at = :at where workspace_id = :workspace",
        at=served_at,
    )
    rounds = []
    for task_id in tasks:
        begin = datetime.fromisoformat((await shown(stage, task_id)).json()["estimated_start_at"])
        rounds.append((begin - served_at) / timedelta(seconds=20))
    assert rounds == [0, 0, 1, 1, 1, 2, 2, 2]


async def test_lists_show_each_its_place(stage: Stage) -> None:
    await order(stage, 5)
    listed = (await stage.account.live.get("/v1/tasks")).json()["data"]
    assert [task["queue_position"] for task in listed] == [5, 4, 3, 2, 1]


async def test_who_waited_in_vain_sees_the_place(stage: Stage) -> None:
    [_, second] = await order(stage, 2)
    answer = await stage.account.live.get(f"/v1/tasks/{encode('task', second)}", params={"wait": 0.1})
    assert answer.json()["queue_position"] == 2


async def test_a_task_tried_again_stands_where_it_was_ordered(stage: Stage) -> None:
    """It is the oldest again, in the answer as in its event, and may begin now, not when it was first ordered."""
    [first, _] = await order(stage, 2)
    path = f"/v1/tasks/{encode('task', first)}"
    canceled = (await stage.account.live.post(f"{path}/cancel")).json()
    assert (canceled["queue_position"], canceled["estimated_start_at"]) == (None, None)
    again = (await stage.account.live.post(f"{path}/retry")).json()
    assert again["queue_position"] == 1
    assert again["estimated_start_at"] > canceled["completed_at"]
    assert (await stage.account.live.get(path)).json() == again
    rows = await run(stage, "select data from events where task_id = :id order by position desc limit 1", id=first)
    told = rows.scalar_one()
    assert [told[name] for name in ("queue_position", "estimated_start_at")] == [1, again["estimated_start_at"]]


async def test_a_stream_tells_the_place_at_the_order(stage: Stage) -> None:
    [_, second] = await order(stage, 2)
    async with stage.account.live.stream("GET", f"/v1/tasks/{encode('task', second)}/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["queue_position"] == 2
                break


# --- long queues, seen by the one transaction that makes them


@asynccontextmanager
async def queue_of(stage: Stage, count: int, *, lane: str = "remote") -> AsyncIterator[tuple[AsyncSession, list[UUID]]]:
    """So many tasks, ordered a millisecond apart, and the transaction that sees them; they are never committed."""
    async with stage.database.transaction() as session:
        rows = await session.execute(
            text("""
                insert into tasks (
                    id, workspace_id, mode, lane, operation, status, input, model, routing, route, route_index,
                    metadata, num_outputs, quoted, charged, balance, estimated_seconds, output_ids, version, run,
                    fence, created_at)
                select
                    (lpad(to_hex(1500000000000 + number), 12, '0') || '7000' || substr(md5(number::text), 1, 16))::uuid,
                    :workspace, 'live', :lane, 'upscale', 'pending', '{}', 'auto', '{}', '[]', 0,
                    '{}', 1, 1, 0, 0, 20, '{}', 1, 1,
                    0, now() + number * interval '1 ms'
                from generate_series(1, cast(:count as int)) number returning id
            """),
            {"workspace": stage.account.workspace_id, "lane": lane, "count": count},
        )
        yield session, sorted(rows.scalars())
        await session.rollback()


async def placed(session: AsyncSession, task_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = await session.execute(
        text("select task_id, queue_position from queue_places(cast(:ids as uuid[]))"), {"ids": task_ids}
    )
    return {row.task_id: row.queue_position for row in rows}


@pytest.mark.parametrize("together", [True, False], ids=["asked together", "asked alone"])
async def test_places_are_exact_in_a_queue_of_ten_thousand(stage: Stage, together: bool) -> None:
    async with queue_of(stage, 10_000) as (session, tasks):
        asked = {tasks[place - 1]: place for place in (1, 2, 2_500, 4_999, 5_000, 5_001, 5_002, 7_500, 9_999, 10_000)}
        for task_ids in [list(asked)] if together else [[task_id] for task_id in asked]:
            assert await placed(session, task_ids) == {task_id: asked[task_id] for task_id in task_ids}


async def test_deep_in_a_longer_queue_the_place_is_an_estimate(stage: Stage) -> None:
    async with queue_of(stage, 30_000) as (session, tasks):
        for place in (5_000, 25_001, 30_000):
            assert (await placed(session, [tasks[place - 1]]))[tasks[place - 1]] == place
        for place in (5_001, 15_000, 25_000):
            assert abs((await placed(session, [tasks[place - 1]]))[tasks[place - 1]] - place) < 5_000


async def test_lanes_are_queues_of_their_own(stage: Stage) -> None:
    [ordered] = await order(stage, 1)
    async with queue_of(stage, 3, lane="local") as (session, tasks):
        assert await placed(session, [*tasks, ordered]) == {**dict(zip(tasks, (1, 2, 3), strict=True)), ordered: 1}
