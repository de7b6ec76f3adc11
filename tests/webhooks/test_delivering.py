"""Delivering: retries, bad servers, limits for each target, and what is noted of every attempt."""

import asyncio
import json
import socket
from time import monotonic, sleep
from typing import Any

import pytest

from app.core.ids import decode
from app.events import service as events
from app.webhooks import courier as couriers
from app.webhooks import sending
from app.webhooks.sending import DELAYS_SECONDS, MOST_TRIES
from tests.waiting import eventually
from tests.webhooks.receiver import (
    Behaviour,
    Receiver,
    answering,
    dripping,
    dripping_body,
    hanging,
    hanging_up,
    receiver,
)
from tests.webhooks.scene import Scene


async def test_an_event_goes_to_the_endpoints_that_want_it(scene: Scene, shop: Receiver) -> None:
    wanted = [
        await scene.endpoint(shop.url, event_types=types)
        for types in (None, ["batch.completed"], ["batch.*", "task.failed"], ["*"])
    ]
    other = await scene.endpoint(shop.url, event_types=["task.*", "credits.low"])
    await scene.endpoint(shop.url, by=scene.account.test)
    await scene.tell("batch.completed")
    assert await scene.courier.deliver() == 4
    assert len({got.id for got in shop.got}) == 1
    assert [len(await scene.deliveries(one)) for one in (*wanted, other)] == [1, 1, 1, 1, 0]
    (delivery,) = await scene.deliveries(wanted[0])
    assert (delivery["status"], delivery["attempt_count"], delivery["response_status"]) == ("succeeded", 1, 204)
    assert delivery["next_attempt_at"] is None


async def test_what_is_sent_and_what_came_back_is_shown(scene: Scene) -> None:
    async with receiver(answering(200, "x-served-by: shop-1", body=b"thanks \x00" + 9000 * b"a")) as shop:
        endpoint = await scene.endpoint(shop.url, headers={"X-Gate": "let-me-in", "authorization": "Basic aGk="})
        await scene.tell()
        await scene.courier.deliver()
    (got,) = shop.got
    assert (got.headers["x-gate"], got.headers["authorization"]) == ("let-me-in", "Basic aGk=")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Backlot/1"
    assert "cookie" not in got.headers
    (delivery,) = await scene.deliveries(endpoint)
    (attempt,) = await scene.attempts(delivery["id"])
    assert attempt["request"]["url"] == shop.url
    assert json.loads(attempt["request"]["body"]) == got.event
    assert attempt["request"]["headers"]["X-Gate"] == attempt["request"]["headers"]["authorization"] == "***"
    assert attempt["request"]["headers"]["webhook-id"] == got.id
    assert attempt["response"]["status"] == 200
    assert attempt["response"]["headers"]["x-served-by"] == "shop-1"
    assert attempt["response"]["body"].startswith("thanks \ufffdaaa")
    assert len(attempt["response"]["body"]) == 4096
    assert attempt["error"] is None
    assert 0 <= attempt["duration"] < 5
    rest = json.dumps(await scene.rows("select t::text from webhook_attempts t"), default=str)
    rest += json.dumps(await scene.rows("select t::text from webhook_endpoints t"), default=str)
    assert "let-me-in" not in rest
    assert "aGk=" not in rest


BAD: list[tuple[Behaviour, str, int | None]] = [
    (answering(500, body=b"oops"), "status", 500),
    (answering(404), "status", 404),
    (answering(301, "location: http://169.254.169.254/latest/meta-data"), "status", 301),
    (answering(307, "location: http://127.0.0.2:1/"), "status", 307),
    (hanging, "timeout", None),
    (dripping, "timeout", None),
    (hanging_up, "connection", None),
]


@pytest.mark.parametrize(("behaves", "code", "status"), BAD)
async def test_a_bad_answer_is_a_failure_and_is_tried_again(
    behaves: Behaviour, code: str, status: int | None, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 1.0)
    async with receiver(behaves) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell()
        began = monotonic()
        assert await scene.courier.deliver() == 1
        assert monotonic() - began < 3
        (delivery,) = await scene.deliveries(endpoint)
        assert (delivery["status"], delivery["error"], delivery["response_status"]) == ("pending", code, status)
        assert 4 < await scene.seconds_to_next(delivery["id"]) < 5.6
        (attempt,) = await scene.attempts(delivery["id"])
        assert attempt["error"]["code"] == code
        assert (attempt["response"] is None) == (status is None)
        assert len(shop.got) == 1, "a redirect was followed"
        shop.behaves = answering(204)
        await scene.pass_time(6)
        assert await scene.courier.deliver() == 1
        (delivery,) = await scene.deliveries(endpoint)
        assert (delivery["status"], delivery["attempt_count"], delivery["error"]) == ("succeeded", 2, None)
        assert len({got.id for got in shop.got}) == 1
        assert (await scene.queue(endpoint))["failures"] == 0


async def test_a_good_head_is_enough_however_slow_the_body(scene: Scene) -> None:
    async with receiver(dripping_body) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell()
        began = monotonic()
        await scene.courier.deliver()
        assert monotonic() - began < 4
        (delivery,) = await scene.deliveries(endpoint)
        assert delivery["status"] == "succeeded"


@pytest.mark.parametrize("header", ["connection: close", "connection: keep-alive"])
async def test_a_204_with_a_body_is_an_answer_all_the_same(scene: Scene, header: str) -> None:
    async with receiver(answering(204, header, body=b"ok")) as shop:
        endpoint = await scene.endpoint(shop.url)
        for _ in range(3):
            await scene.tell()
            await scene.courier.deliver()
        assert {one["status"] for one in await scene.deliveries(endpoint)} == {"succeeded"}
        assert len(shop.got) == 3


async def test_the_schedule_and_its_end(scene: Scene) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell()
        for number, seconds in enumerate(DELAYS_SECONDS, 1):
            assert await scene.courier.deliver() == 1, number
            (delivery,) = await scene.deliveries(endpoint)
            assert (delivery["status"], delivery["attempt_count"]) == ("pending", number)
            to_next = await scene.seconds_to_next(delivery["id"])
            assert 0.9 * seconds - 5 < to_next < 1.1 * seconds + 1
            await scene.pass_time(to_next - 2)
            assert await scene.courier.deliver() == 0, "too early"
            await scene.pass_time(3)
        assert await scene.courier.deliver() == 1
        (delivery,) = await scene.deliveries(endpoint)
        assert (delivery["status"], delivery["attempt_count"]) == ("failed", MOST_TRIES)
        assert delivery["next_attempt_at"] is None
        assert [one["number"] for one in await scene.attempts(delivery["id"])] == list(range(1, 9))
        await scene.pass_time(7 * 86400)
        assert await scene.courier.deliver() == 0
        assert len({got.headers["webhook-timestamp"] for got in shop.got}) >= 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("retry-after: 120", 119, 121),
        ("retry-after: 0", 4, 6),
        ("retry-after: 99999999", 86398, 86401),
        ("retry-after: soon", 4, 6),
        ("retry-after: Sun, 22 Nov 2099 08:49:37 GMT", 86398, 86401),
        ("retry-after: Sun, 22 Nov 2009 08:49:37 GMT", 4, 6),
    ],
)
async def test_retry_after_is_obeyed_and_never_earlier_than_the_schedule(
    header: str, least: float, most: float, scene: Scene
) -> None:
    async with receiver(answering(429, header)) as shop:
        await scene.endpoint(shop.url)
        await scene.tell()
        await scene.courier.deliver()
        (delivery,) = await scene.deliveries()
        assert least <= await scene.seconds_to_next(delivery["id"]) <= most
        await scene.tell()
        assert await scene.courier.deliver() == (0 if least > 6 else 1), "what comes later waits too"


async def test_one_target_gets_four_at_once_and_others_are_not_held_up(scene: Scene, shop: Receiver) -> None:
    async with receiver(hanging) as stuck:
        await scene.endpoint(stuck.url)
        await scene.endpoint(shop.url)
        await scene.tell(*["batch.completed"] * 30)
        scene.courier.start()
        await shop.take(30, seconds=5)
        await asyncio.sleep(0.3)
        assert len(stuck.got) == 4
        assert shop.most_at_once <= 4


async def test_a_target_that_fails_gets_one_at_a_time_with_pauses_that_grow(scene: Scene) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell(*["batch.completed"] * 40)
        await scene.courier.deliver()
        assert len(shop.got) <= couriers.BREAKER + couriers.AT_ONCE_EACH - 1
        pauses = []
        for _ in range(8):
            before = len(shop.got)
            (row,) = await scene.rows(
                "select extract(epoch from paused_until - clock_timestamp())::float8 as s from webhook_queues"
            )
            pauses.append(round(row["s"]))
            await scene.pass_time(row["s"] + 0.5)
            await scene.courier.deliver()
            assert len(shop.got) == before + 1
        assert pauses == sorted(pauses)
        assert 290 < pauses[-1] <= 300
        shop.behaves = answering(204)
        await scene.pass_time(301)
        await scene.courier.deliver()
        assert (await scene.queue(endpoint))["failures"] == 0
        await scene.pass_time(3600)
        await scene.courier.deliver()
        assert {one["status"] for one in await scene.deliveries(endpoint)} == {"succeeded"}


async def test_what_comes_while_a_target_is_paused_does_not_wake_it(scene: Scene) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell(*["batch.completed"] * 10)
        await scene.courier.deliver()
        before, paused_until = len(shop.got), (await scene.queue(endpoint))["paused_until"]
        await scene.tell(*["batch.completed"] * 10)
        assert await scene.courier.deliver() == 0
        assert len(shop.got) == before
        assert (await scene.queue(endpoint))["next_due_at"] == paused_until


async def test_names_nobody_answers_for_hold_up_no_others(
    scene: Scene, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = socket.getaddrinfo
    asked: list[str] = []

    def slow(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(".example.com"):
            asked.append(str(host))
            sleep(3)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")
        return known(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr(sending, "SECONDS", 2.0)
    for number in range(40):
        await scene.endpoint(f"https://dead-{number}.example.com/hook")
    await scene.endpoint(shop.url)
    scene.courier.start()
    began = monotonic()
    await scene.tell(*["batch.completed"] * 3)
    await shop.take(3, seconds=2)
    assert monotonic() - began < 2
    assert len(set(asked)) == len(asked), "one look-up for all who want the same name"


async def test_a_name_that_is_not_there_is_told(scene: Scene) -> None:
    endpoint = await scene.endpoint("https://nobody.invalid/hook")
    await scene.tell()
    await scene.courier.deliver()
    (delivery,) = await scene.deliveries(endpoint)
    assert (delivery["status"], delivery["error"]) == ("pending", "dns")


async def test_what_is_published_is_sent_at_once(scene: Scene, shop: Receiver) -> None:
    await scene.endpoint(shop.url)
    scene.courier.start()
    scene.publisher.start()
    await asyncio.sleep(0.5)
    began = monotonic()
    async with scene.database.transaction() as session:
        events.record(session, "batch.completed", workspace_id=scene.account.workspace_id, mode="live", data={})
    (got,) = await shop.take(1)
    await scene.publisher.stop()
    assert got.at - began < 1


async def test_a_lone_retry_comes_when_it_is_due(scene: Scene) -> None:
    async with receiver(answering(503)) as shop:
        await scene.endpoint(shop.url)
        scene.courier.start()
        await scene.tell()
        await shop.take(1)
        await scene.courier.stop()
        first, second = await _both(scene, shop)
        assert 4.4 < second - first < 6.5


async def _both(scene: Scene, shop: Receiver) -> tuple[float, float]:
    courier = scene.another_courier()
    courier.start()
    found = await shop.take(2, seconds=10)
    return found[0].at, found[1].at


async def test_one_event_that_cannot_be_rendered_holds_up_no_other(
    scene: Scene, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.endpoint(shop.url)
    await scene.tell("batch.completed", "credits.low")
    known = scene.courier._renderer.render

    async def render(rows: Any) -> list[bytes]:
        if any(row["type"] == "credits.low" for row in rows):
            raise KeyError("bad")
        return await known(rows)

    monkeypatch.setattr(scene.courier._renderer, "render", render)
    await scene.courier.deliver()
    assert [got.event["type"] for got in shop.got] == ["batch.completed"]
    monkeypatch.undo()
    await scene.pass_time(3)
    await scene.courier.deliver()
    assert [got.event["type"] for got in shop.got] == ["batch.completed", "credits.low"]
    assert [one["attempt_count"] for one in await scene.deliveries()] == [1, 1]


async def test_an_event_that_is_no_longer_kept_is_given_up(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell()
    (delivery,) = await scene.deliveries(endpoint)
    await scene.database.fetch("delete from events where id = $1", decode("evt", delivery["event_id"]))
    await scene.courier.deliver()
    (delivery,) = await scene.deliveries(endpoint)
    assert (delivery["status"], delivery["error"]) == ("failed", "expired")
    assert shop.got == []


async def test_two_workers_send_each_once(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    for courier in (scene.courier, scene.another_courier()):
        courier.start()
    for _ in range(10):
        await scene.tell(*["batch.completed"] * 5)
    await shop.take(50)

    async def all_noted() -> bool:
        return {one["status"] for one in await scene.deliveries(endpoint)} == {"succeeded"}

    await eventually(all_noted)
    assert len(shop.got) == len({got.id for got in shop.got}) == 50


@pytest.mark.parametrize("number", [6, 200])
async def test_a_claim_takes_no_more_than_there_is_room_for_however_it_is_planned(scene: Scene, number: int) -> None:
    async with receiver(hanging) as stuck:
        await scene.endpoint(stuck.url)
        await scene.tell(*["batch.completed"] * number)
        await scene.database.fetch("analyze webhook_deliveries")
        assert len(await scene.courier._claim(100, 100)) == couriers.AT_ONCE_EACH
        assert await scene.courier._claim(100, 100) == []
