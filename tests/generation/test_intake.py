"""Orders on their way to being tasks: all or nothing, once, and many at a time."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from app.assets.errors import AssetNotFound
from app.core.db import Database
from app.core.idempotency import Claim
from app.core.ids import encode
from app.core.problems import IdempotencyKeyInFlight, IdempotencyKeyReused
from app.generation.errors import TooManyTasks, UnknownModel
from app.generation.intake import Intake, Receipt
from app.generation.schemas import TaskCreate
from app.ledger import verify as books
from app.ledger.errors import InsufficientCredits
from tests.generation.conftest import Stage

CLAIM = Claim("order-1042", b"the same")


async def run(database: Database, statement: str, **values: Any) -> Any:
    async with database.transaction() as session:
        found = await session.execute(text(statement), values)
        return found.scalar_one() if found.returns_rows else None


async def order_of(stage: Stage, **fields: Any) -> TaskCreate:
    return TaskCreate.model_validate(
        {"operation": "upscale", "input": {"image": await stage.account.upload()}, **fields}
    )


async def place(stage: Stage, order: TaskCreate, claim: Claim | None = None) -> Receipt:
    return await stage.intake.order(stage.caller, order, claim)


async def test_the_answer_is_the_task_as_it_reads(stage: Stage) -> None:
    receipt = await place(stage, await order_of(stage, metadata={"sku": "A-17", "share": 0.5}))
    read = await stage.read(receipt.task_id)
    assert orjson.loads(orjson.dumps(receipt.shown)) == read.model_dump(mode="json")
    assert await stage.credits() == (9, 1, 0)
    assert await stage.events(receipt.task_id) == ["task.created"]


async def test_the_same_key_is_the_same_task(stage: Stage) -> None:
    order = await order_of(stage)
    first = await place(stage, order, CLAIM)
    again = await place(stage, order, CLAIM)
    assert (again.task_id, again.shown, again.is_replay) == (first.task_id, first.shown, True)
    assert await stage.credits() == (9, 1, 0)


async def test_a_key_answers_although_its_input_is_gone_since(stage: Stage) -> None:
    order = await order_of(stage)
    first = await place(stage, order, CLAIM)
    await stage.account.live.delete(f"/v1/assets/{order.input['image']}")
    stage.intake.assets._known.clear()
    assert (await place(stage, order, CLAIM)).task_id == first.task_id


async def test_a_key_stands_for_one_request(stage: Stage) -> None:
    order = await order_of(stage)
    await place(stage, order, CLAIM)
    with pytest.raises(IdempotencyKeyReused):
        await place(stage, order, Claim(CLAIM.key, b"another"))
    unknown = TaskCreate.model_validate({**order.model_dump(), "model": "no-such"})
    with pytest.raises(IdempotencyKeyReused):
        await place(stage, unknown, Claim(CLAIM.key, b"another"))
    assert await stage.credits() == (9, 1, 0)


async def test_a_key_in_flight_elsewhere_waits_and_a_dead_claim_does_not(stage: Stage) -> None:
    order = await order_of(stage)
    await run(
        stage.database,
        """insert into idempotency_keys (workspace_id, mode, key, fingerprint, claim, claimed_until, expires_at)
           values (:workspace, 'live', :key, :fingerprint, gen_random_uuid(), now() + interval '1 minute',
                   now() + interval '1 day')""",
        workspace=stage.caller.workspace_id,
        key=CLAIM.key,
        fingerprint=CLAIM.fingerprint,
    )
    with pytest.raises(IdempotencyKeyInFlight):
        await place(stage, order, CLAIM)
    await run(
        stage.database,
        "update idempotency_keys set claimed_until = now() - interval '1 second' where workspace_id = :workspace",
        workspace=stage.caller.workspace_id,
    )
    assert not (await place(stage, order, CLAIM)).is_replay


async def test_after_a_day_a_key_is_new(stage: Stage) -> None:
    order = await order_of(stage)
    first = await place(stage, order, CLAIM)
    await run(
        stage.database,
        "update idempotency_keys set expires_at = now() - interval '1 second' where workspace_id = :workspace",
        workspace=stage.caller.workspace_id,
    )
    again = await place(stage, order, Claim(CLAIM.key, b"another"))
    assert not again.is_replay
    assert again.task_id != first.task_id


async def test_ten_at_once_with_one_key_are_one_task(stage: Stage) -> None:
    order = await order_of(stage)
    receipts = await asyncio.gather(*(place(stage, order, CLAIM) for _ in range(10)))
    assert len({receipt.task_id for receipt in receipts}) == 1
    assert sum(not receipt.is_replay for receipt in receipts) == 1
    assert await stage.credits() == (9, 1, 0)


async def test_of_many_at_once_as_many_as_the_balance_covers_are_taken(stage: Stage) -> None:
    order = await order_of(stage)
    results = await asyncio.gather(*(place(stage, order) for _ in range(25)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, InsufficientCredits)]
    taken = [result for result in results if isinstance(result, Receipt)]
    assert (len(taken), len(refused)) == (10, 15)
    assert sorted(receipt.shown["balance"] for receipt in taken) == list(range(10))
    assert all(problem.facts == {"price": 1, "balance": 0} for problem in refused)
    assert await stage.credits() == (0, 10, 0)
    async with stage.database.transaction() as session:
        assert await books.verify(session) == []


async def test_a_price_that_changed_is_never_the_old_one(stage: Stage) -> None:
    order = await order_of(stage)
    await place(stage, order)
    await run(
        stage.database, "update prices set amount = 3000000 where provider = 'scripted' and operation = 'upscale'"
    )
    receipt = await place(stage, order)
    assert receipt.shown["credits"]["quoted"] == 3
    assert await stage.credits() == (6, 4, 0)


async def test_an_asset_deleted_since_it_was_seen_is_missed(stage: Stage) -> None:
    order = await order_of(stage)
    await place(stage, order)
    await stage.account.live.delete(f"/v1/assets/{order.input['image']}")
    with pytest.raises(AssetNotFound) as caught:
        await place(stage, order)
    assert caught.value.errors[0].pointer == "/input/image"
    assert await stage.credits() == (9, 1, 0)


async def test_a_refused_order_leaves_its_key_free(stage: Stage) -> None:
    order = await order_of(stage)
    unknown = TaskCreate.model_validate({**order.model_dump(), "model": "no-such"})
    with pytest.raises(UnknownModel):
        await place(stage, unknown, CLAIM)
    assert not (await place(stage, order, Claim(CLAIM.key, b"mended"))).is_replay


async def test_a_full_queue_takes_no_more_and_no_money(stage: Stage) -> None:
    order = await order_of(stage)
    await place(stage, order)
    await run(
        stage.database,
        "update task_queues set room = 1 where workspace_id = :workspace",
        workspace=stage.caller.workspace_id,
    )
    with pytest.raises(TooManyTasks) as caught:
        await place(stage, order)
    assert caught.value.headers["Retry-After"]
    assert await stage.credits() == (9, 1, 0)


async def test_a_full_queue_takes_nothing_tried_again_either(stage: Stage) -> None:
    order = await order_of(stage)
    receipts = [await place(stage, order) for _ in range(2)]
    path = f"/v1/tasks/{encode('task', receipts[0].task_id)}"
    await stage.account.live.post(f"{path}/cancel")
    narrow = "update task_queues set room = :room where workspace_id = :workspace"
    await run(stage.database, narrow, room=1, workspace=stage.caller.workspace_id)
    refused = await stage.account.live.post(f"{path}/retry")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_tasks")
    assert refused.headers["retry-after"]
    assert (await stage.read(receipts[0].task_id)).status == "canceled"
    assert await stage.credits() == (9, 1, 0)
    await run(stage.database, narrow, room=2, workspace=stage.caller.workspace_id)
    assert (await stage.account.live.post(f"{path}/retry")).status_code == 202


async def test_the_room_of_a_queue_that_is_new_is_the_plans(stage: Stage) -> None:
    order = await order_of(stage)
    await run(stage.database, "insert into plans values ('narrow', 1, 2)")
    try:
        await run(stage.database, "update workspaces set plan = 'narrow' where id = :id", id=stage.caller.workspace_id)
        outcomes = await asyncio.gather(*(place(stage, order) for _ in range(5)), return_exceptions=True)
        assert Counter(type(one) for one in outcomes) == {Receipt: 2, TooManyTasks: 3}
    finally:
        await run(stage.database, "update workspaces set plan = 'free' where plan = 'narrow'")
        await run(stage.database, "delete from plans where name = 'narrow'")


async def queue_of(database: Database, workspace_id: UUID) -> tuple[int, int]:
    async with database.transaction() as session:
        found = await session.execute(
            text("select queued, running from task_queues where workspace_id = :id and mode = 'live'"),
            {"id": workspace_id},
        )
        return tuple(found.one())  # type: ignore[return-value]


async def test_the_queue_counts_what_waits(stage: Stage) -> None:
    order = await order_of(stage)
    receipts = [await place(stage, order) for _ in range(3)]
    assert await queue_of(stage.database, stage.caller.workspace_id) == (3, 0)
    await stage.account.live.post(f"/v1/tasks/{encode('task', receipts[0].task_id)}/cancel")
    assert await queue_of(stage.database, stage.caller.workspace_id) == (2, 0)


async def test_of_a_thousand_at_once_five_hundred_are_taken_where_the_balance_covers_five_hundred(stage: Stage) -> None:
    order = await order_of(stage)
    await stage.credits()
    await run(
        stage.database,
        "select ledger_grant(:workspace, 'live', 'grant', 490000000, 'for tests', :reference)",
        workspace=stage.caller.workspace_id,
        reference=f"tests:{stage.caller.workspace_id}",
    )
    other = Intake(stage.engine.settings, stage.database, stage.engine.catalog, stage.engine.assets)  # as in a process
    results = await asyncio.gather(
        *(intake.order(stage.caller, order, None) for intake in (stage.intake, other) * 500), return_exceptions=True
    )
    assert Counter(type(result) for result in results) == {Receipt: 500, InsufficientCredits: 500}
    assert await stage.credits() == (0, 500, 0)
    async with stage.database.transaction() as session:
        assert await books.verify(session) == []
