"""Who is served next: workers pull, workspaces take turns, and nobody gets more than their slots."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core import queue
from app.core.ids import new_id
from app.generation import dispatch, queries
from app.generation.dispatch import Puller
from app.generation.queries import Claimed
from app.providers.base import Accepted
from tests.generation.conftest import Stage
from tests.generation.scripted import done

LEASE = timedelta(seconds=5)


@pytest.fixture
async def lane(stage: Stage) -> AsyncIterator[str]:
    """A lane of this test alone, for both of its providers."""
    stage.first.lane = stage.second.lane = lane = f"test-{new_id()}"
    yield lane
    async with stage.database.transaction() as session:  # the books are to be right after other tests
        await session.execute(text("delete from tasks where lane = :lane and quoted = 0"), {"lane": lane})


async def claim(stage: Stage, lane: str, limit: int, due: int = 0, lease: timedelta = LEASE) -> list[Claimed]:
    return await queries.claim(stage.database, lane=lane, limit=limit, due=due, lease=lease, deadline=LEASE)


def owners(claimed: list[Claimed]) -> list[UUID]:
    return [one.task.workspace_id for one in claimed]


async def crowd(stage: Stage, lane: str, tasks: int, *, slots: int = 20) -> UUID:
    """A workspace with so many tasks in its queue, and no money behind them."""
    workspace = new_id()
    values = {"workspace": workspace, "lane": lane, "tasks": tasks, "slots": slots, "like": stage.caller.workspace_id}
    async with stage.database.transaction() as session:
        for statement in (
            """insert into workspaces (id, name, kind, owner_id, created_at)
               select :workspace, 'crowd', 'team', owner_id, now() from workspaces where id = :like""",
            """insert into tasks (id, workspace_id, mode, operation, status, input, model, routing, route, route_index,
                   metadata, num_outputs, quoted, charged, balance, estimated_seconds, output_ids, version, run, fence,
                   lane, created_at)
               select gen_random_uuid(), :workspace, 'live', 'upscale', 'pending', '{}', 'auto', '{}', '[]', 0, '{}',
                   1, 0, 0, 0, 1, '{}', 1, 1, 0, :lane, now() from generate_series(1, :tasks)""",
            "update task_queues set slots = :slots where workspace_id = :workspace",
        ):
            await session.execute(text(statement), values)
    return workspace


async def end(stage: Stage, claimed: list[Claimed]) -> None:
    async with stage.database.transaction() as session:
        await session.execute(
            text("update tasks set status = 'succeeded' where id = any(:ids)"),
            {"ids": [one.task.id for one in claimed]},
        )


async def test_a_single_task_is_next_whatever_another_workspace_has_queued(stage: Stage, lane: str) -> None:
    many = await crowd(stage, lane, 5000, slots=1000)
    served = await claim(stage, lane, 10)
    assert owners(served) == [many] * 10
    one = await crowd(stage, lane, 1)
    assert one in owners(await claim(stage, lane, 1))


async def test_workspaces_take_turns(stage: Stage, lane: str) -> None:
    workspaces = [await crowd(stage, lane, tasks) for tasks in (500, 6, 6, 6)]
    turns = [owners(await claim(stage, lane, 2)) for _ in range(8)]
    assert Counter(owner for turn in turns for owner in turn) == dict.fromkeys(workspaces, 4)
    assert set(turns[0] + turns[1]) == set(workspaces)
    assert Counter(owners(await claim(stage, lane, 8))) == dict.fromkeys(workspaces, 2)


async def test_nobody_gets_more_than_their_slots_from_however_many_workers(stage: Stage, lane: str) -> None:
    workspaces = [await crowd(stage, lane, 100, slots=slots) for slots in (3, 7)]
    running: list[Claimed] = []

    async def work() -> None:
        for _ in range(15):
            claimed = await claim(stage, lane, 5)
            running.extend(claimed)
            counts = Counter(owners(running))
            assert (counts[workspaces[0]] <= 3, counts[workspaces[1]] <= 7) == (True, True)
            await asyncio.sleep(0.01)
            for one in claimed:
                running.remove(one)  # before it ends: from then on another may have its slot
            await end(stage, claimed)

    await asyncio.gather(*(work() for _ in range(4)))
    async with stage.database.transaction() as session:
        rows = await session.execute(
            text("""select queued, running, (select count(*) from tasks t where t.workspace_id = q.workspace_id
                    and t.lane = q.lane and t.status = 'pending') from task_queues q where lane = :lane"""),
            {"lane": lane},
        )
        assert all(queued == counted and running == 0 for queued, running, counted in rows)


async def test_what_is_due_and_what_is_new_share_the_places(stage: Stage, lane: str) -> None:
    await crowd(stage, lane, 200, slots=1000)
    begun = {one.task.id for one in await claim(stage, lane, 50, lease=timedelta())}
    claimed = await claim(stage, lane, 10, due=4)
    assert sum(one.task.id in begun for one in claimed) == 4


async def test_places_nothing_new_takes_go_to_what_is_due(stage: Stage, lane: str) -> None:
    await crowd(stage, lane, 12)
    begun = [{one.task.id for one in await claim(stage, lane, 6, lease=timedelta())} for _ in range(2)]
    assert begun[0] & begun[1] == set()
    assert len(await claim(stage, lane, 10)) == 10


@asynccontextmanager
async def pulling(stage: Stage, **worker: int) -> AsyncIterator[Puller]:
    settings = stage.engine.settings
    settings = settings.model_copy(update={"worker": settings.worker.model_copy(update=worker)})
    redis = queue.connect(settings)
    puller = Puller(replace(stage.engine, settings=settings), redis)
    puller.start()
    yield puller
    await puller.stop()
    await redis.aclose(close_connection_pool=True)


async def ended(stage: Stage, tasks: list[UUID]) -> None:
    async with asyncio.timeout(20):
        for task_id in tasks:
            while not (await stage.row(task_id)).is_ended:
                await asyncio.sleep(0.02)


async def test_a_worker_claims_no_more_than_it_has_room_for(stage: Stage, lane: str) -> None:
    tasks = [await stage.order() for _ in range(4)]
    stage.first.script = [2.0, 2.0, done(), done(), done(), done()]
    async with pulling(stage, image_processes=1):  # two at once, in a lane that is not "remote"
        while len(stage.first.calls) < 2:
            await asyncio.sleep(0.01)
        rows = [await stage.row(task_id) for task_id in tasks]
        assert [row.status for row in rows].count("pending") == 2
        assert all((row.fence, row.deadline_at) == (0, None) for row in rows if row.status == "pending")
        await ended(stage, tasks)


async def test_lost_bells_cost_a_second(stage: Stage, lane: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(*_: object) -> None:
        """Redis takes it and tells nobody."""

    monkeypatch.setattr(queue, "send", lose)
    monkeypatch.setattr(dispatch, "LOOK_SECONDS", 0.2)
    stage.first.script = [Accepted("job-1", poll_after=0.1), done()]
    async with pulling(stage):
        await ended(stage, [await stage.order()])


async def test_a_worker_that_stops_hands_over_what_it_has(
    stage: Stage, lane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "STOP_SECONDS", 0.1)
    stage.first.is_repeatable = True
    stage.first.script = [60.0]
    task_id = await stage.order()
    async with pulling(stage):
        while not stage.first.calls:
            await asyncio.sleep(0.01)
    stage.first.script = [done()]
    async with pulling(stage):
        await ended(stage, [task_id])
    assert [attempt.status for attempt in (await stage.row(task_id)).attempts] == ["canceled", "succeeded"]


async def test_claims_go_on_whatever_went_wrong(stage: Stage, lane: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "PAUSE_SECONDS", 0.01)
    claim_tasks, faults = queries.claim, [ConnectionRefusedError(), TimeoutError(), KeyError("a row nobody can read")]

    async def flaky(*args: object, **fields: object) -> list[Claimed]:
        if faults:
            raise faults.pop()
        return await claim_tasks(*args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "claim", flaky)
    stage.first.script = [done()]
    async with pulling(stage):
        await ended(stage, [await stage.order()])
