"""Batches on their way in: all or nothing, once; what is wrong is named, and nothing of it stays."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.batches.intake import BatchIntake
from app.core.db import Database
from app.core.ids import encode
from tests.batches.ordering import books_are_right, counts, nothing_was_made, order, prompts, statuses
from tests.conftest import Account


@pytest.fixture(autouse=True)
async def _nothing_is_left_to_do(account: Account) -> AsyncIterator[None]:
    """For the workers of other tests."""
    yield
    for caller in (account.live, account.test):
        for batch in (await caller.get("/v1/batches")).json()["data"]:
            await caller.post(f"/v1/batches/{batch['id']}/cancel")


KEY = {"Idempotency-Key": "autumn"}


async def images(account: Account, *values: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A batch of live work that nobody does here."""
    image = await account.upload()
    items = [{"input": {"image": image, **value}} for value in values]
    return {"operation": "transform_image", "items": items, **fields}


async def test_the_same_key_is_the_same_batch_whatever_became_of_it(account: Account, database: Database) -> None:
    body = await images(account, {"blur": 1}, {"blur": -1}, {"blur": 2})
    first = await order(account.live, body, **KEY)
    await account.live.post(f"/v1/tasks/{first['items'][0]['task_id']}/cancel")
    await account.live.delete(f"/v1/tasks/{first['items'][0]['task_id']}")
    await account.live.delete(f"/v1/assets/{body['items'][0]['input']['image']}")
    again = await account.live.post("/v1/batches", json=dict(reversed(body.items())), headers=KEY)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
    assert again.headers["location"] == f"/v1/batches/{first['id']}"
    assert again.json() == first
    assert (await account.live.get("/v1/credits")).json()["held"] == 1
    await books_are_right(database)


async def test_a_key_stands_for_one_request(account: Account) -> None:
    body = await images(account, {"blur": 1})
    await order(account.live, body, **KEY)
    for other in (body | {"metadata": {"a": 1}}, body | {"model": "nope"}, body | {"operation": "fly"}):
        answer = await account.live.post("/v1/batches", json=other, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    task = {"operation": "transform_image", "input": body["items"][0]["input"]}
    answer = await account.live.post("/v1/tasks", json=task, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    key = {"Idempotency-Key": "of a task"}
    assert (await account.live.post("/v1/tasks", json=task, headers=key)).status_code == 202
    answer = await account.live.post("/v1/batches", json=body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_many_at_once_with_one_key_are_one_batch(account: Account, database: Database) -> None:
    body = prompts(*["a"] * 40)
    answers = await asyncio.gather(*(account.test.post("/v1/batches", json=body, headers=KEY) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert all(answer.json() == accepted[0].json() for answer in accepted)
    assert sum("idempotency-replayed" not in answer.headers for answer in accepted) == 1
    assert (await account.test.get("/v1/credits")).json()["held"] == 40
    assert len((await account.test.get("/v1/batches")).json()["data"]) == 1
    await books_are_right(database)


async def test_a_key_in_flight_elsewhere_waits_and_one_past_its_day_is_new(
    account: Account, database: Database
) -> None:
    body = prompts("a")
    await database.fetch(
        "insert into idempotency_keys (workspace_id, mode, key, fingerprint, claim, claimed_until, expires_at)"
        " values ($1, 'test', 'autumn', $2, gen_random_uuid(), now() + interval '1 minute', now() + interval '1 day')",
        account.workspace_id,
        b"x",
    )
    reused = await account.test.post("/v1/batches", json=body, headers=KEY)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    await database.fetch("delete from idempotency_keys where workspace_id = $1", account.workspace_id)
    first = await order(account.test, body, **KEY)
    await database.fetch(
        "update idempotency_keys set status = null, claimed_until = now() + interval '1 minute'"
        " where workspace_id = $1",
        account.workspace_id,
    )
    waiting = await account.test.post("/v1/batches", json=body, headers=KEY)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_key_in_flight")
    assert waiting.headers["retry-after"]
    await database.fetch(
        "update idempotency_keys set status = 202, expires_at = now() - interval '1 second' where workspace_id = $1",
        account.workspace_id,
    )
    assert (await order(account.test, body, **KEY))["id"] != first["id"]


async def test_an_answer_that_was_lost_after_the_commit_is_given_again(
    account: Account, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process dies between the commit and the answer."""
    submit = BatchIntake._submit

    async def lost(*args: Any) -> Any:
        await submit(*args)
        raise ConnectionResetError

    body = prompts("a", "b, sandbox:nope", "c")
    monkeypatch.setattr(BatchIntake, "_submit", lost)
    assert (await account.test.post("/v1/batches", json=body, headers=KEY)).status_code == 503
    monkeypatch.undo()
    answer = await account.test.post("/v1/batches", json=body, headers=KEY)
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (202, "true")
    assert statuses(answer.json()) == ["pending", "failed", "pending"]
    assert counts(answer.json()) == (3, 2, 0, 0, 1, 0)
    assert answer.json() == (await account.test.get(f"/v1/batches/{answer.json()['id']}")).json()
    assert (await account.test.get("/v1/credits")).json()["held"] == 2


async def test_a_balance_too_small_for_the_total_leaves_nothing(account: Account, database: Database) -> None:
    body = await images(account, *[{"blur": 1}] * 10, {"blur": -1})
    for _ in range(2):
        body["items"].append(body["items"][0])
    answer = await account.live.post("/v1/batches", json=body, headers=KEY)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "insufficient_credits")
    assert (problem["price"], problem["balance"]) == (12, 10)
    assert (await account.live.get("/v1/credits")).json()["held"] == 0
    await nothing_was_made(account, database)
    body["items"] = body["items"][:10]
    await order(account.live, body, **KEY)
    assert (await account.live.get("/v1/credits")).json()["balance"] == 0
    await books_are_right(database)


async def test_of_batches_at_once_as_many_as_the_balance_covers_are_taken(account: Account, database: Database) -> None:
    body = await images(account, *[{"blur": 1}] * 4)
    answers = await asyncio.gather(*(account.live.post("/v1/batches", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, 402, 402, 402, 402]
    assert (await account.live.get("/v1/credits")).json() == {
        "balance": 2,
        "held": 8,
        "total_earned": 10,
        "total_spent": 0,
        "low_mark": 2,
    }
    await books_are_right(database)


async def test_a_queue_without_room_for_all_takes_none(account: Account, database: Database) -> None:
    await order(account.test, prompts("a"))
    await database.fetch("update task_queues set room = 3 where workspace_id = $1", account.workspace_id)
    answer = await account.test.post("/v1/batches", json=prompts("a", "b", "c"))
    assert (answer.status_code, answer.json()["code"], answer.json()["room"]) == (429, "too_many_tasks", 2)
    assert answer.headers["retry-after"]
    assert (await account.test.get("/v1/credits")).json()["held"] == 1
    await order(account.test, prompts("a", "b"))
    await books_are_right(database)


async def test_where_no_item_can_be_done_each_is_named_and_nothing_stays(account: Account, database: Database) -> None:
    body = {
        "operation": "transform_image",
        "defaults": {"blur": 1000},
        "items": [{"input": {"image": "asset_nonsense", "blur": 1}}, {"input": {"image": "x"}}, {"input": {"blur": 2}}],
    }
    answer = await account.live.post("/v1/batches", json=body, headers=KEY)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "no_valid_items")
    assert [error["pointer"] for error in problem["errors"]] == [
        "/items/0/input/image",
        "/defaults/blur",
        "/items/2/input/image",
    ]
    await nothing_was_made(account, database)
    body["items"][0]["input"]["image"] = await account.upload()
    assert statuses(await order(account.live, body, **KEY)) == ["pending", "failed", "failed"]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"operation": "fly"}, "unknown_operation", "/operation"),
        ({"model": "gpt-9"}, "unknown_model", "/model"),
        ({"provider": "nobody"}, "unknown_model", "/provider"),
        ({"items": []}, "invalid_request", "/items"),
        ({"items": [{}] * 501}, "invalid_request", "/items"),
        ({"items": [{"inputs": {}}]}, "invalid_request", "/items/0/inputs"),
        ({"items": [{"input": []}]}, "invalid_request", "/items/0/input"),
        ({"items": [{"filename": "a\0"}]}, "invalid_request", "/items/0/filename"),
        ({"items": [{"metadata": {"a": []}}]}, "invalid_request", "/items/0/metadata/a"),
        ({"webhook_url": None}, "invalid_request", "/webhook_url"),
    ],
)
async def test_what_is_wrong_with_the_batch_is_named(
    account: Account, database: Database, change: dict[str, Any], code: str, pointer: str
) -> None:
    body = await images(account, {"blur": 1}) | change
    answer = await account.live.post("/v1/batches", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["pointer"]) == (422, code, pointer), problem
    await nothing_was_made(account, database)


async def test_images_that_are_not_there_are_refused_one_by_one(account: Account, neighbour: Account) -> None:
    """In one look, and before any hold."""
    mine, theirs, gone = await account.upload(), await neighbour.upload(), await account.upload()
    await account.live.delete(f"/v1/assets/{gone}")
    items = [{"input": {"image": image}} for image in (mine, theirs, gone, "https://user@example.com/a.png")]
    items.append({"input": {"image": "ftp://example.com/a.png"}})
    batch = await order(account.live, {"operation": "transform_image", "items": items})
    assert [item["error"] and (item["error"]["code"], item["error"]["pointer"]) for item in batch["items"]] == [
        None,
        ("asset_not_found", "/items/1/input/image"),
        ("asset_not_found", "/items/2/input/image"),
        ("url_not_allowed", "/items/3/input/image"),
        ("url_not_allowed", "/items/4/input/image"),
    ]
    assert batch["summary"]["credits"]["held"] == 1


async def test_an_image_deleted_since_it_was_seen_makes_its_item_fail_alone(
    account: Account, database: Database
) -> None:
    body = await images(account, {"blur": 1})
    other = await account.upload()
    body["items"].append({"input": {"image": other}})
    await order(account.live, body)
    await database.fetch(
        "update assets set deleted_at = now() where workspace_id = $1 and created_at = ("
        " select max(created_at) from assets where workspace_id = $1)",
        account.workspace_id,
    )
    batch = await order(account.live, body)
    assert statuses(batch) == ["pending", "failed"]
    assert batch["items"][1]["error"]["code"] == "asset_not_found"
    assert (await account.live.get("/v1/credits")).json()["held"] == 3
    await books_are_right(database)


async def test_a_price_that_changed_is_never_the_old_one(account: Account, database: Database) -> None:
    body = await images(account, {"blur": 1}, {"blur": 2})
    await order(account.live, body)
    change = "update prices set amount = $1 where operation = 'transform_image' and provider = 'local'"
    await database.fetch(change, 2_000_000)
    try:
        batch = await order(account.live, body)
    finally:
        await database.fetch(change, 1_000_000)
    assert batch["summary"]["credits"] == {"quoted": 4, "held": 4, "charged": 0}
    assert (await account.live.get("/v1/credits")).json()["held"] == 6
    body["items"] += body["items"]  # 4 credits are left, and the price that is known would make it 8
    assert (await order(account.live, body))["summary"]["credits"]["quoted"] == 4
    await books_are_right(database)


async def test_long_prompts_are_not_too_much(account: Account) -> None:
    """Where other bodies may have a megabyte."""
    batch = await order(account.test, prompts(*["x" * 4000] * 400))
    assert counts(batch) == (400, 400, 0, 0, 0, 0)


async def test_a_database_of_its_own_encodes_ids_as_we_do(account: Account, database: Database) -> None:
    rows = await database.fetch(
        "select id, public_id('batch', id) as shown from (select gen_random_uuid() as id"
        " from generate_series(1, 100)) made"
    )
    assert all(row["shown"] == encode("batch", row["id"]) for row in rows)
