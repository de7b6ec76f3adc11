"""The `webhook_url` of a task is told of its end, by the secret of its workspace."""

from typing import Any

import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook

from app.core.db import Database
from tests.conftest import Account
from tests.webhooks.receiver import Receiver, answering, receiver
from tests.webhooks.scene import Scene

ORDER = {"operation": "text_to_image", "input": {"prompt": "a red bicycle"}}


async def order(account: Account, **more: Any) -> dict[str, Any]:
    answer = await account.test.post("/v1/tasks", json=ORDER | more)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def secret_of(account: Account) -> str:
    return str((await account.test.post("/v1/webhook-signing-secret/rotate")).json()["secret"])


async def test_its_end_is_told_there_and_nothing_else(scene: Scene, shop: Receiver) -> None:
    secret = await secret_of(scene.account)
    task = await order(scene.account, webhook_url=shop.url)
    assert task["webhook_url"] == shop.url
    shown = (await scene.account.test.get(f"/v1/tasks/{task['id']}")).json()
    assert shown["webhook_url"] == shop.url
    await scene.publish()
    assert await scene.courier.deliver() == 0
    canceled = (await scene.account.test.post(f"/v1/tasks/{task['id']}/cancel")).json()
    assert canceled["webhook_url"] == shop.url
    await scene.publish()
    await scene.courier.deliver()
    (got,) = shop.got
    Webhook(secret).verify(got.body, got.headers)
    assert got.event["type"] == "task.canceled"
    assert (got.event["data"]["id"], got.event["data"]["webhook_url"]) == (task["id"], shop.url)
    assert got.event["data"]["outputs"] == []
    listed = (await scene.account.test.get("/v1/webhook-deliveries", params={"task_id": task["id"]})).json()["data"]
    assert [(one["url"], one["endpoint_id"], one["status"]) for one in listed] == [(shop.url, None, "succeeded")]


async def test_endpoints_hear_of_it_too(scene: Scene, shop: Receiver) -> None:
    await scene.endpoint(shop.url, by=scene.account.test, event_types=["task.canceled"])
    task = await order(scene.account, webhook_url=shop.url)
    await scene.account.test.post(f"/v1/tasks/{task['id']}/cancel")
    await scene.publish()
    await scene.courier.deliver()
    first, second = shop.got
    assert first.id == second.id
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


async def test_tried_again_its_next_end_is_told_too(scene: Scene, shop: Receiver) -> None:
    task = await order(scene.account, webhook_url=shop.url)
    for path in ("cancel", "retry", "cancel"):
        answer = await scene.account.test.post(f"/v1/tasks/{task['id']}/{path}")
        assert answer.json()["webhook_url"] == shop.url
    await scene.publish()
    await scene.courier.deliver()
    assert [got.event["type"] for got in shop.got] == ["task.canceled"] * 2
    assert len({got.id for got in shop.got}) == 2


async def test_410_ends_this_delivery_and_no_other(scene: Scene) -> None:
    async with receiver(answering(410)) as gone:
        task = await order(scene.account, webhook_url=gone.url)
        await scene.account.test.post(f"/v1/tasks/{task['id']}/cancel")
        await scene.publish()
        await scene.courier.deliver()
        (delivery,) = (await scene.account.test.get("/v1/webhook-deliveries")).json()["data"]
        assert (delivery["status"], delivery["attempt_count"]) == ("failed", 1)
        gone.behaves = answering(204)
        other = await order(scene.account, webhook_url=gone.url)
        await scene.account.test.post(f"/v1/tasks/{other['id']}/cancel")
        await scene.publish()
        await scene.courier.deliver()
        assert len(gone.got) == 2
        again = await scene.account.test.post(f"/v1/webhook-deliveries/{delivery['id']}/redeliver")
        assert again.status_code == 202
        await scene.courier.deliver()
        assert gone.got[2].id == gone.got[0].id


async def test_urls_of_one_server_are_one_target(scene: Scene, shop: Receiver) -> None:
    for number in range(3):
        task = await order(scene.account, webhook_url=f"{shop.url}/{number}")
        await scene.account.test.post(f"/v1/tasks/{task['id']}/cancel")
    await scene.publish()
    assert len(await scene.rows("select * from webhook_queues")) == 1
    await scene.courier.deliver()
    assert sorted(got.path for got in shop.got) == ["/hook/0", "/hook/1", "/hook/2"]


@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.1/x", "http://127.0.0.1/x", "https://169.254.169.254/", "nowhere", "https://a:b@example.com/"],
)
async def test_where_nothing_can_be_sent_is_refused(url: str, account: Account, database: Database) -> None:
    for path in ("/v1/tasks", "/v1/tasks/quote"):
        answer = await account.test.post(path, json=ORDER | {"webhook_url": url})
        assert (answer.status_code, answer.json()["code"]) == (422, "webhook_url_not_allowed"), answer.text
        assert answer.json()["errors"][0]["pointer"] == "/webhook_url"
    assert (await account.test.get("/v1/tasks")).json()["data"] == []


async def test_a_task_that_is_done_is_told_with_its_results(
    scene: Scene, shop: Receiver, server: FastAPI, running_workers: list[Any]
) -> None:
    """By the workers, as they run: published, fanned out, delivered."""
    task = await order(scene.account, webhook_url=shop.url)
    (got,) = await shop.take(1, seconds=30)
    assert got.event["type"] == "task.succeeded"
    assert got.event["data"]["id"] == task["id"]
    assert got.event["data"]["webhook_url"] == shop.url
    (output,) = got.event["data"]["outputs"]
    assert (await scene.account.test.get(output["urls"]["full"])).status_code == 200
