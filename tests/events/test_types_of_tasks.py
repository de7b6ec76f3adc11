"""What is told of tasks, batches and their results, by real orders done by real workers."""

from typing import Any

import pytest

from app.core.db import Database
from app.feed.schemas import EVENT_TYPES
from tests.conftest import Account
from tests.events.told import check, names, told, wait_for

pytestmark = [pytest.mark.usefixtures("running_workers"), pytest.mark.xdist_group("workers")]


async def order(account: Account, path: str = "/v1/tasks", **body: Any) -> str:
    answer = await account.test.post(path, json={"operation": "text_to_image", **body})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def ended(account: Account, task_id: str) -> dict[str, Any]:
    task: dict[str, Any] = (await account.test.get(f"/v1/tasks/{task_id}", params={"wait": 30})).json()
    return task


async def test_a_task_that_succeeds_with_all_it_makes(account: Account, database: Database) -> None:
    asset_id = await account.upload()
    answer = await account.live.post(
        "/v1/tasks",
        json={
            "operation": "replace_background",
            "input": {"image": asset_id, "preset": "studio-white", "num_images": 2},
        },
    )
    task = await account.finished(answer.json()["id"])
    events = await told(database, account.workspace_id, "task", "asset")
    check(events)
    about = [event.type for event in events]
    assert about[:3] == ["asset.created", "task.created", "task.started"]
    assert about[-3:] == ["asset.created", "asset.created", "task.succeeded"], "results are there before it is told"
    assert set(about[3:-3]) == {"task.progress"}
    listed = (await account.live.get("/v1/assets")).json()["data"]
    made = {event.data["id"]: event.data for event in events if event.type == "asset.created"}
    assert made.keys() == {asset["id"] for asset in listed}, "what lies between two steps is no asset of the list"
    for asset in listed:
        del asset["urls"]
        assert made[asset["id"]] == asset
    del task["outputs"]
    assert events[-1].data == task


async def test_one_that_fails_is_tried_again_and_called_off(account: Account, database: Database) -> None:
    task_id = await order(account, model="sandbox:reject", input={"prompt": "a cat"})
    assert (await ended(account, task_id))["status"] == "failed"
    events = await told(database, account.workspace_id, "task")
    check(events)
    assert [event.type for event in events] == ["task.created", "task.started", "task.failed"]
    assert (events[-1].data["error"]["code"], events[-1].data["credits"]["charged"]) == ("content_rejected", 0)
    assert (await account.test.post(f"/v1/tasks/{task_id}/retry")).status_code == 202
    assert (await ended(account, task_id))["status"] == "failed"
    again = [event.type for event in (await told(database, account.workspace_id, "task"))[3:]]
    assert again == ["task.created", "task.started", "task.failed"]

    slow = await order(account, model="sandbox:slow-60", input={"prompt": "a dog"})
    await wait_for(database, account.workspace_id, "task.started", 3)
    assert (await account.test.post(f"/v1/tasks/{slow}/cancel")).is_success
    canceled = (await told(database, account.workspace_id, "task"))[-1]
    check([canceled])
    assert (canceled.type, canceled.data["id"], canceled.mode) == ("task.canceled", slow, "test")


async def test_a_batch_is_told_when_nothing_of_it_is_open(account: Account, database: Database) -> None:
    items = [{"input": {"prompt": prompt}} for prompt in ("a cat", "a dog, sandbox:reject")]
    batch_id = await order(account, "/v1/batches", items=items)
    (completed,) = await wait_for(database, account.workspace_id, "batch.completed")
    check([completed])
    shown = (await account.test.get(f"/v1/batches/{batch_id}")).json()
    del shown["items"]
    assert completed.data == shown
    assert (shown["summary"]["succeeded"], shown["summary"]["failed"]) == (1, 1)
    check(await told(database, account.workspace_id))
    about = await names(database, account.workspace_id, "task", "asset", "batch")
    assert about[-1] == "batch.completed"
    assert about.count("asset.created") == 1


async def test_credits_spent_by_orders_are_told_as_they_run_out(account: Account, database: Database) -> None:
    assert (await account.test.patch("/v1/credits", json={"low_mark": 999})).is_success
    for _ in range(2):
        await ended(account, await order(account, input={"prompt": "a cat", "num_images": 1}))
    await ended(account, await order(account, model="sandbox:reject", input={"prompt": "a cat"}))
    (low,) = [event for event in await told(database, account.workspace_id) if event.type == "credits.low"]
    check([low])
    assert (low.mode, low.data["balance"] + low.data["held"], low.data["low_mark"]) == ("test", 998, 999)


async def test_nobody_emits_what_is_no_type(account: Account, database: Database) -> None:
    """Of all that the tests in this process have done so far, and of what is published of it."""
    await ended(account, await order(account, input={"prompt": "a cat"}))
    rows = await database.fetch("select distinct type from events where type not like 'mail.%'")
    assert {row["type"] for row in rows} <= EVENT_TYPES.keys()
