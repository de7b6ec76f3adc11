"""Batches over HTTP, with real workers."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from app.core.db import Database
from tests.batches.ordering import books_are_right, counts, ended, events, order, prompts, statuses
from tests.conftest import Account
from tests.generation.scripted import png

pytestmark = [pytest.mark.usefixtures("running_workers"), pytest.mark.xdist_group("workers")]


async def test_a_batch_from_order_to_results(account: Account, database: Database) -> None:
    image = await account.upload(png(size=(60, 40)), "mug.png")
    batch = await order(
        account.live,
        {
            "operation": "transform_image",
            "defaults": {"image": image, "output_format": "webp"},
            "items": [
                {"filename": "wide.webp", "input": {"width": 30}, "metadata": {"sku": "A-17"}},
                {"input": {"rotate": 90}},
                {"filename": "png", "input": {"output_format": "png"}},
            ],
            "metadata": {"season": "autumn"},
        },
    )
    assert (batch["object"], batch["status"], batch["operation"]) == ("batch", "pending", "transform_image")
    assert (batch["metadata"], batch["completed_at"]) == ({"season": "autumn"}, None)
    assert counts(batch) == (3, 3, 0, 0, 0, 0)
    assert batch["summary"]["credits"] == {"quoted": 3, "held": 3, "charged": 0}
    assert [item["index"] for item in batch["items"]] == [0, 1, 2]
    assert [item["filename"] for item in batch["items"]] == ["wide.webp", None, "png"]

    done = await ended(account.live, batch["id"])
    assert (done["status"], counts(done)) == ("completed", (3, 0, 0, 3, 0, 0))
    assert done["summary"]["credits"] == {"quoted": 3, "held": 0, "charged": 3}
    assert done["completed_at"] > done["created_at"]
    made = [(item["outputs"][0]["width"], item["outputs"][0]["content_type"]) for item in done["items"]]
    assert made == [(30, "image/webp"), (40, "image/webp"), (60, "image/png")]
    assert done["items"][0]["metadata"] == {"sku": "A-17"}
    assert all(item["credits"] == {"quoted": 1, "held": 0, "charged": 1} for item in done["items"])
    assert [item["task_id"] for item in done["items"]] == [item["task_id"] for item in batch["items"]]

    task = (await account.live.get(f"/v1/tasks/{done['items'][1]['task_id']}")).json()
    assert (task["batch_id"], task["batch_index"], task["outputs"]) == (batch["id"], 1, done["items"][1]["outputs"])
    listed = (await account.live.get("/v1/tasks", params={"batch_id": batch["id"]})).json()["data"]
    assert [task["batch_index"] for task in listed] == [2, 1, 0]
    assert (await account.live.get("/v1/credits")).json()["total_spent"] == 3
    await books_are_right(database)


async def test_a_bad_item_fails_alone(account: Account, database: Database) -> None:
    body = prompts("a cat", "a dog, sandbox:reject", "a cow", "a pig, sandbox:fail-once", "a hen, sandbox:nope")
    body["items"][2]["input"]["width"] = 0
    body["items"].append({"filename": "none.png"})
    batch = await order(account.test, body)
    assert statuses(batch) == ["pending", "pending", "failed", "pending", "failed", "failed"]
    assert counts(batch) == (6, 3, 0, 0, 3, 0)
    assert batch["summary"]["credits"] == {"quoted": 3, "held": 3, "charged": 0}
    assert [(item["error"]["code"], item["error"]["pointer"]) for item in batch["items"] if item["error"]] == [
        ("invalid_request", "/items/2/input/width"),
        ("unknown_model", "/items/4/input/prompt"),
        ("invalid_request", "/items/5/input/prompt"),
    ]
    assert all(item["task_id"] is None for item in batch["items"] if item["error"])

    done = await ended(account.test, batch["id"])
    assert statuses(done) == ["succeeded", "failed", "failed", "succeeded", "failed", "failed"]
    assert (done["status"], counts(done)) == ("completed", (6, 0, 0, 2, 4, 0))
    assert done["items"][1]["error"]["code"] == "content_rejected"
    assert done["items"][1]["error"]["pointer"] is None
    assert done["summary"]["credits"] == {"quoted": 3, "held": 0, "charged": 2}
    assert done["items"][2] == batch["items"][2]
    credits_ = (await account.test.get("/v1/credits")).json()
    assert (credits_["balance"], credits_["held"]) == (998, 0)
    await books_are_right(database)


async def test_the_stream_tells_all_and_resumes(account: Account, database: Database) -> None:
    batch = await order(account.test, prompts("a", "b, sandbox:slow-1", "c, sandbox:reject"))
    story = await events(account.test, batch["id"])
    assert Counter(event["event"] for event in story) == {
        "task.created": 3,
        "task.started": 3,
        "task.succeeded": 2,
        "task.failed": 1,
        "batch.completed": 1,
    }
    assert [event["event"] for event in story[:3]] == ["task.created"] * 3
    assert [event["data"]["batch_index"] for event in story[:3]] == [0, 1, 2]
    last = story[-1]
    assert last["event"] == "batch.completed"
    shown = (await account.test.get(f"/v1/batches/{batch['id']}")).json()
    del shown["items"]
    assert last["data"] == shown
    assert all(len(event["data"]["outputs"]) == 1 for event in story if event["event"] == "task.succeeded")

    rest = await events(account.test, batch["id"], **{"Last-Event-ID": story[3]["id"]})
    assert [event["id"] for event in rest] == [event["id"] for event in story[4:]]
    over = await account.test.get(f"/v1/batches/{batch['id']}/events", headers={"Last-Event-ID": last["id"]})
    assert over.status_code == 204


async def test_a_follower_hears_the_events_as_they_happen(account: Account) -> None:
    batch = await order(account.test, prompts(*["a"] * 30, *["b, sandbox:slow-1"] * 10))
    stories = await asyncio.gather(*(events(account.test, batch["id"]) for _ in range(3)))
    ids = [event["id"] for event in stories[0]]
    assert len(set(ids)) == len(ids) == 40 * 3 + 1
    assert all([event["id"] for event in story] == ids for story in stories)
    assert stories[0][-1]["event"] == "batch.completed"


async def test_cancel_ends_what_is_open_and_leaves_the_rest(account: Account, database: Database) -> None:
    batch = await order(account.test, prompts("a", "b", *["c, sandbox:slow-60"] * 30))
    while counts(await _read(account, batch))[3] < 2:
        await asyncio.sleep(0.05)
    answer = await account.test.post(f"/v1/batches/{batch['id']}/cancel")
    canceled = answer.json()
    assert (answer.status_code, canceled["status"]) == (200, "canceled")
    assert counts(canceled) == (32, 0, 0, 2, 0, 30)
    assert statuses(canceled) == ["succeeded"] * 2 + ["canceled"] * 30
    assert canceled["summary"]["credits"] == {"quoted": 32, "held": 0, "charged": 2}
    assert (await account.test.get("/v1/credits")).json()["balance"] == 998
    again = await account.test.post(f"/v1/batches/{batch['id']}/cancel")
    assert (again.status_code, again.json()) == (200, canceled)
    story = await events(account.test, batch["id"])
    assert Counter(event["event"] for event in story)["task.canceled"] == 30
    assert (story[-1]["event"], story[-1]["data"]["status"]) == ("batch.completed", "canceled")
    await books_are_right(database)


async def _read(account: Account, batch: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = (await account.test.get(f"/v1/batches/{batch['id']}")).json()
    return read


async def test_cancels_at_once_and_in_the_rush(account: Account, database: Database) -> None:
    """While its tasks begin and end on all sides."""
    for _ in range(3):
        batch = await order(account.test, prompts(*["a"] * 60))
        answers = await asyncio.gather(*(account.test.post(f"/v1/batches/{batch['id']}/cancel") for _ in range(4)))
        assert {answer.status_code for answer in answers} == {200}
        done = await ended(account.test, batch["id"])
        assert done["status"] == "canceled"
    await books_are_right(database)


async def test_a_rush_of_batches_locks_nobody_out(account: Account, neighbour: Account, database: Database) -> None:
    """Ordered, done, canceled and tried again at once: no two transactions ever wait for one another."""
    sought = "select deadlocks from pg_stat_database where datname = current_database()"
    before = await database.fetchrow(sought)

    async def live_through(caller: httpx.AsyncClient, number: int) -> None:
        batch = await order(
            caller, prompts(*["a", "b, sandbox:async", "c, sandbox:reject", "d, sandbox:fail-once"] * 6)
        )
        if number % 2:
            await asyncio.sleep(0.1 * number)
            await caller.post(f"/v1/batches/{batch['id']}/cancel")
        done = await ended(caller, batch["id"])
        again = [item["task_id"] for item in done["items"] if item["status"] in ("failed", "canceled")][:6]
        await asyncio.gather(*(caller.post(f"/v1/tasks/{task_id}/retry") for task_id in again))
        await ended(caller, batch["id"])

    await asyncio.gather(*(live_through((account, neighbour)[n % 2].test, n) for n in range(8)))
    assert await database.fetchrow(sought) == before
    await books_are_right(database)


async def test_what_has_completed_cannot_be_canceled(account: Account) -> None:
    batch = await order(account.test, prompts("a"))
    await ended(account.test, batch["id"])
    answer = await account.test.post(f"/v1/batches/{batch['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "batch_ended")


async def test_waiting_and_conditional_reading(account: Account) -> None:
    batch = await order(account.test, prompts("a", "b, sandbox:slow-1"))
    url = f"/v1/batches/{batch['id']}"
    first = await account.test.get(url)
    answer = await account.test.get(url, headers={"Prefer": "wait=20", "If-None-Match": first.headers["etag"]})
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.headers["etag"] != first.headers["etag"]
    known = {"If-None-Match": answer.headers["etag"]}
    again = await account.test.get(url, headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    output = answer.json()["items"][0]["outputs"][0]["id"]
    await account.test.patch(f"/v1/assets/{output}", json={"favorite": True})
    changed = await account.test.get(url, headers=known)
    assert (changed.status_code, changed.json()["items"][0]["outputs"][0]["favorite"]) == (200, True)
    await account.test.delete(f"/v1/assets/{output}")
    gone = await account.test.get(url, headers={"If-None-Match": changed.headers["etag"]})
    assert (gone.status_code, gone.json()["items"][0]["outputs"]) == (200, [])


async def test_a_task_tried_again_opens_its_batch_and_tells_no_second_end(account: Account, database: Database) -> None:
    batch = await order(account.test, prompts("a", "b, sandbox:reject", "c, sandbox:slow-60"))
    ids = [item["task_id"] for item in batch["items"]]
    while counts(await _read(account, batch))[4] < 1:
        await asyncio.sleep(0.05)
    await account.test.post(f"/v1/batches/{batch['id']}/cancel")
    assert (await _read(account, batch))["status"] == "canceled"
    assert (await account.test.post(f"/v1/tasks/{ids[1]}/retry")).status_code == 202
    story = await events(account.test, batch["id"])
    assert story[-1]["event"] == "task.failed"
    assert [event["event"] for event in story].count("batch.completed") == 1
    done = await ended(account.test, batch["id"])
    assert (done["status"], counts(done)) == ("completed", (3, 0, 0, 1, 1, 1))
    over = {"Last-Event-ID": story[-1]["id"]}
    assert (await account.test.get(f"/v1/batches/{batch['id']}/events", headers=over)).status_code == 204
    await books_are_right(database)


async def test_of_a_deleted_task_the_item_stays(account: Account, database: Database) -> None:
    batch = await order(account.test, prompts("a", "b"))
    before = await ended(account.test, batch["id"])
    task_id = before["items"][0]["task_id"]
    assert (await account.test.delete(f"/v1/tasks/{task_id}")).status_code == 204
    after = await _read(account, batch)
    assert after["summary"] == before["summary"]
    assert after["items"][0] == before["items"][0] | {"task_id": None, "outputs": []}
    assert after["items"][1] == before["items"][1]
    story = await events(account.test, batch["id"])
    assert [event["event"] for event in story].count("task.succeeded") == 1
    assert story[-1]["event"] == "batch.completed"
    await books_are_right(database)


async def test_five_hundred_items(account: Account, database: Database) -> None:
    batch = await order(account.test, prompts(*(f"number {number}" for number in range(500))))
    assert batch["summary"]["credits"] == {"quoted": 500, "held": 500, "charged": 0}
    done = await ended(account.test, batch["id"], 100)
    assert counts(done) == (500, 0, 0, 500, 0, 0)
    assert [item["index"] for item in done["items"]] == list(range(500))
    story = await events(account.test, batch["id"])
    assert Counter(event["event"] for event in story) == {
        "task.created": 500,
        "task.started": 500,
        "task.succeeded": 500,
        "batch.completed": 1,
    }
    assert story[-1]["event"] == "batch.completed"
    await books_are_right(database)


async def test_lists_are_paged_and_without_items(account: Account) -> None:
    made = [(await order(account.test, prompts("a")))["id"] for _ in range(3)]
    for batch_id in made:
        await ended(account.test, batch_id)
    first = (await account.test.get("/v1/batches", params={"limit": 2})).json()
    second = (await account.test.get("/v1/batches", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [batch["id"] for batch in first["data"] + second["data"]] == made[::-1]
    assert second["next_cursor"] is None
    shown = (await account.test.get(f"/v1/batches/{made[0]}")).json()
    del shown["items"]
    assert second["data"] == [shown]


async def test_a_neighbours_batch_is_not_there(account: Account, neighbour: Account) -> None:
    batch = await order(account.test, prompts("a"))
    for caller in (neighbour.test, account.live):
        for method, path in (("GET", ""), ("GET", "?wait=5"), ("GET", "/events"), ("POST", "/cancel")):
            answer = await caller.request(method, f"/v1/batches/{batch['id']}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "batch_not_found")
        assert (await caller.get("/v1/batches")).json()["data"] == []
