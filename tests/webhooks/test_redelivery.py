"""Sending again: one, or all of a time; and what the endpoint never got because it was not there."""

from datetime import timedelta
from typing import Any

from app.core import clock
from app.webhooks import deliveries, keeping
from tests.webhooks.receiver import Receiver, answering, receiver
from tests.webhooks.scene import Scene


async def again(scene: Scene, endpoint: dict[str, Any], **order: Any) -> dict[str, Any]:
    after = (clock.now() - timedelta(hours=1)).isoformat()
    path = f"/v1/webhook-endpoints/{endpoint['id']}/redeliver"
    answer = await scene.account.live.post(path, json={"after": after} | order)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_one_is_sent_again_with_all_its_tries_before_it(scene: Scene) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell()
        (delivery,) = await scene.deliveries(endpoint)
        await scene.database.fetch("update webhook_deliveries set tries = 7, attempts = 7")
        await scene.courier.deliver()
        assert (await scene.deliveries(endpoint))[0]["status"] == "failed"
        path = f"/v1/webhook-deliveries/{delivery['id']}/redeliver"
        answer = await scene.account.live.post(path)
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        await scene.courier.deliver()
        (delivery,) = await scene.deliveries(endpoint)
        assert (delivery["status"], delivery["attempt_count"]) == ("pending", 9)
        assert 4 < await scene.seconds_to_next(delivery["id"]) < 6
        shop.behaves = answering(204)
        await scene.account.live.post(path)
        await scene.courier.deliver()
        assert (await scene.deliveries(endpoint))[0]["status"] == "succeeded"
        await scene.account.live.post(path)
        await scene.courier.deliver()
        assert len(shop.got) == 4, "what arrived may be sent again too"
        assert len({got.id for got in shop.got}) == 1


async def test_those_given_up_are_sent_again(scene: Scene) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell(*["batch.completed"] * 3)
        await scene.database.fetch("update webhook_deliveries set status = 'failed', ended_at = now()")
        shop.behaves = answering(204)
        await scene.tell("credits.low")
        await scene.courier.deliver()
        assert await again(scene, endpoint, include="failed") == {"queued": 3, "next_cursor": None}
        await scene.courier.deliver()
        assert sorted(got.event["type"] for got in shop.got) == ["batch.completed"] * 3 + ["credits.low"]
        assert await again(scene, endpoint, include="failed") == {"queued": 0, "next_cursor": None}


async def test_what_it_missed_is_sent_as_it_wants_events_now(scene: Scene, shop: Receiver) -> None:
    """While it was disabled, or before it was there."""
    await scene.tell("batch.completed", "credits.low")
    endpoint = await scene.endpoint(shop.url, event_types=["batch.*"])
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    await scene.account.live.patch(path, json={"status": "disabled"})
    await scene.tell("batch.completed", "credits.low")
    await scene.account.live.patch(path, json={"status": "enabled"})
    assert (await again(scene, endpoint, include="failed"))["queued"] == 0
    assert (await again(scene, endpoint))["queued"] == 2
    await scene.courier.deliver()
    assert [got.event["type"] for got in shop.got] == ["batch.completed"] * 2
    assert (await again(scene, endpoint))["queued"] == 0
    assert (await again(scene, endpoint, include="all"))["queued"] == 2
    await scene.courier.deliver()
    assert len(shop.got) == 4


async def test_what_waits_is_sent_at_once(scene: Scene) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url, event_types=["batch.*"])
        await scene.tell(*["batch.completed"] * 4)
        await scene.courier.deliver()
        shop.behaves = answering(204)
        assert (await again(scene, endpoint))["queued"] == 4
        await scene.courier.deliver()
        assert {one["status"] for one in await scene.deliveries(endpoint)} == {"succeeded"}


async def test_only_those_of_the_time(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url, event_types=["batch.*", "credits.*"])
    await scene.tell("batch.completed")
    between = clock.now()
    await scene.tell("credits.low")
    await scene.courier.deliver()
    assert (await again(scene, endpoint, include="all", after=between.isoformat()))["queued"] == 1
    await scene.courier.deliver()
    assert shop.got[-1].event["type"] == "credits.low"
    assert (await again(scene, endpoint, include="all", before=between.isoformat()))["queued"] == 1
    await scene.courier.deliver()
    assert shop.got[-1].event["type"] == "batch.completed"


async def test_many_go_in_slices(scene: Scene, shop: Receiver, monkeypatch: Any) -> None:
    monkeypatch.setattr(deliveries, "RANGE_AT_ONCE", 4)
    endpoint = await scene.endpoint(shop.url)
    before = clock.now()
    await scene.tell(*["batch.completed"] * 10)
    await scene.courier.deliver()
    queued, cursor, requests = 0, None, 0
    while requests == 0 or cursor:
        order = {"after": before.isoformat(), "include": "all", "cursor": cursor}
        answer = await again(scene, endpoint, **order)
        queued, cursor, requests = queued + answer["queued"], answer["next_cursor"], requests + 1
    assert (queued, requests) == (10, 3)
    await scene.courier.deliver()
    assert len(shop.got) == 20
    assert len({got.id for got in shop.got}) == 10
    path = f"/v1/webhook-endpoints/{endpoint['id']}/redeliver"
    always = {"after": "0001-01-01T00:00:00Z", "before": "9999-12-31T23:59:59Z"}
    assert (await again(scene, endpoint, include="all", **always))["queued"] == 4
    for order in ({"cursor": "evt_1"}, {"before": "2020-01-01T00:00:00Z"}, {"include": "some"}):
        answer = await scene.account.live.post(path, json={"after": before.isoformat()} | order)
        assert answer.status_code == 422, answer.text


async def test_deliveries_go_with_the_log(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell(*["batch.completed"] * 3)
    await scene.courier.deliver()
    old = "update {} set {} = id_from(now() - interval '31 days')"
    (first, *_) = await scene.rows("select id from webhook_deliveries order by id")
    await scene.database.fetch("delete from webhook_attempts where delivery_id = $1", first["id"])
    await scene.database.fetch(old.format("webhook_deliveries", "id") + " where id = $1", first["id"])
    assert await keeping.forget_old(scene.database, scene.settings) == 1
    assert len(await scene.deliveries(endpoint)) == 2
    await scene.account.live.delete(f"/v1/webhook-endpoints/{endpoint['id']}")
    await scene.courier.deliver()
    await keeping.forget_old(scene.database, scene.settings)
    assert await scene.rows("select * from webhook_queues") == []
