"""A worker dies, or the database goes away, in the midst of a delivery: it arrives, once more at worst, by one id."""

import asyncio
import sys
from typing import Any

import asyncpg
import pytest

from app.webhooks import courier as couriers
from tests.webhooks.receiver import Receiver, answering, hanging, receiver
from tests.webhooks.scene import Scene


async def test_a_worker_is_killed_while_a_delivery_is_under_way(scene: Scene) -> None:
    async with receiver(hanging) as shop:
        endpoint = await scene.endpoint(shop.url)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.webhooks.delivering", stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
            await scene.tell()
            await shop.take(1)
        finally:
            process.kill()
            await process.communicate()
        assert await scene.courier.deliver() == 0, "its lease is not over"
        shop.behaves = answering(204)
        await scene.pass_time(couriers.LEASE_SECONDS + 1)
        assert await scene.courier.deliver() == 1
        assert len({got.id for got in shop.got}) == 1
        (delivery,) = await scene.deliveries(endpoint)
        assert (delivery["status"], delivery["attempt_count"]) == ("succeeded", 2)
        attempts = await scene.attempts(delivery["id"])
        assert [one["error"] and one["error"]["code"] for one in attempts] == ["interrupted", None]


async def test_what_kills_every_worker_is_given_up_in_the_end(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell()
    for _ in range(8):
        assert len(await scene.courier._claim(10, 10)) == 1
        await scene.pass_time(couriers.LEASE_SECONDS + 1)
    assert await scene.courier.deliver() == 0
    (delivery,) = await scene.deliveries(endpoint)
    assert (delivery["status"], delivery["error"]) == ("failed", "interrupted")
    assert shop.got == []


async def test_one_that_arrived_late_has_arrived(scene: Scene, shop: Receiver) -> None:
    """Its lease was over, another has it by now and fails: that changes nothing any more."""
    endpoint = await scene.endpoint(shop.url)
    await scene.tell()
    (first,) = await scene.courier._claim(1, 1)
    await scene.pass_time(couriers.LEASE_SECONDS + 1)
    (second,) = await scene.courier._claim(1, 1)
    good = await scene.courier._sender.send(first, b"{}")
    await scene.courier._note(first, good, 0, delay=None)
    assert (await scene.deliveries(endpoint))[0]["status"] == "succeeded"
    await scene.courier._note(second, couriers._not_sent("timeout", "late"), 0, delay=5)
    assert (await scene.deliveries(endpoint))[0]["status"] == "succeeded"


async def test_a_failure_of_one_whose_lease_was_lost_changes_nothing(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell()
    (first,) = await scene.courier._claim(1, 1)
    await scene.pass_time(couriers.LEASE_SECONDS + 1)
    (second,) = await scene.courier._claim(1, 1)
    await scene.courier._note(first, couriers._not_sent("timeout", "late"), 0, delay=None)
    assert (await scene.deliveries(endpoint))[0]["status"] == "pending"
    await scene.courier._note(second, await scene.courier._sender.send(second, b"{}"), 0, delay=None)
    assert (await scene.deliveries(endpoint))[0]["status"] == "succeeded"


async def test_while_the_database_is_away_it_is_noted_later(
    scene: Scene, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell()
    known, failures = scene.database.fetch, 3

    async def fetch(statement: str, *args: Any) -> Any:
        nonlocal failures
        if "note_webhooks" in statement and failures:
            failures -= 1
            raise asyncpg.ConnectionDoesNotExistError("away")
        return await known(statement, *args)

    monkeypatch.setattr(scene.database, "fetch", fetch)
    monkeypatch.setattr(couriers, "PAUSE_SECONDS", 0.05)
    await scene.courier.deliver()
    assert failures == 0
    assert [one["status"] for one in await scene.deliveries(endpoint)] == ["succeeded"]
    assert len(shop.got) == 1


async def test_stopped_it_ends_what_is_under_way(scene: Scene) -> None:
    async with receiver() as shop:
        release = asyncio.Event()

        async def slowly(got: Any, writer: Any) -> None:
            await release.wait()
            await answering(204)(got, writer)

        shop.behaves = slowly
        endpoint = await scene.endpoint(shop.url)
        scene.courier.start()
        await scene.tell()
        await shop.take(1)
        stopping = asyncio.create_task(scene.courier.stop())
        await asyncio.sleep(0.2)
        assert not stopping.done()
        release.set()
        await stopping
        assert [one["status"] for one in await scene.deliveries(endpoint)] == ["succeeded"]
