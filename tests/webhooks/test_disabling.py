"""An endpoint that is gone, or fails for days, is disabled, and those who keep it are told: all of it or nothing."""

import asyncio
import json
from typing import Any

import pytest

from app.core.ids import decode
from app.webhooks import disabling, sending
from tests.accounts.people import make_person, seat
from tests.mail.outbox import Outbox
from tests.webhooks.receiver import Receiver, answering, hanging, receiver
from tests.webhooks.scene import Scene

DAY = 86400


async def mails(scene: Scene) -> list[dict[str, Any]]:
    found = await scene.rows("select * from mails where kind = 'webhook_disabled' order by to_address")
    return [row | {"facts": json.loads(row["facts"])} for row in found]


async def told(scene: Scene) -> list[dict[str, Any]]:
    found = await scene.rows(
        "select data from events where workspace_id = $1 and type = 'webhook_endpoint.disabled'",
        scene.account.workspace_id,
    )
    return [json.loads(row["data"]) for row in found]


async def test_410_disables_at_once(scene: Scene, shop: Receiver, outbox: Outbox) -> None:
    async with receiver(answering(410)) as gone:
        endpoint = await scene.endpoint(gone.url, description="the old shop")
        await scene.endpoint(shop.url, event_types=["webhook_endpoint.disabled"])
        await scene.tell(*["batch.completed"] * 10)
        await scene.courier.deliver()
        assert 1 <= len(gone.got) <= 4
    shown = await scene.read(endpoint)
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
    states = [one["status"] for one in await scene.deliveries(endpoint)]
    assert set(states) == {"failed", "discarded"}
    (event,) = await told(scene)
    assert (event["id"], event["disabled_reason"]) == (endpoint["id"], "gone")
    (mail,) = await mails(scene)
    assert mail["to_address"] == scene.account.email
    assert mail["facts"]["url"] == gone.url
    assert (await scene.actions())[-1] == "webhook_endpoint.disabled gone"
    await scene.publish()
    await scene.courier.deliver()
    assert [got.event["data"]["id"] for got in shop.got] == [endpoint["id"]], "other endpoints hear of it"


async def test_after_five_days_of_nothing_but_failures_it_is_disabled(scene: Scene, outbox: Outbox) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell()
        for _ in range(10):
            await scene.courier.deliver()
            assert (await scene.read(endpoint))["status"] == "enabled"
            await scene.pass_time(DAY / 2)
            await scene.tell()
        assert (await scene.read(endpoint))["failing_since"] is not None
        await scene.courier.deliver()
    shown = await scene.read(endpoint)
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "failing")
    assert len(await told(scene)) == len(await mails(scene)) == 1


async def test_one_success_begins_the_days_anew(scene: Scene, outbox: Outbox) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        for day in range(20):
            shop.behaves = answering(204 if day % 9 == 8 else 500)
            await scene.tell()
            await scene.courier.deliver()
            await scene.pass_time(DAY / 2)
    assert (await scene.read(endpoint))["status"] == "enabled"


async def test_days_without_an_attempt_count_for_nothing(scene: Scene, outbox: Outbox) -> None:
    async with receiver(answering(500)) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell()
        await scene.courier.deliver()
        await scene.database.fetch("update webhook_deliveries set status = 'failed', ended_at = now()")
        await scene.pass_time(30 * DAY)
        await scene.tell()
        await scene.courier.deliver()
        assert (await scene.queue(endpoint))["failures"] == 2
        assert (await scene.read(endpoint))["status"] == "enabled"


async def test_all_owners_and_admins_get_a_mail_in_their_language(scene: Scene, outbox: Outbox) -> None:
    owner = await make_person(scene.settings, scene.database, "owner", locale="vi")
    team = await owner.make_team("Northwind")
    for role in ("admin", "member", "viewer"):
        await seat(scene.database, team, await make_person(scene.settings, scene.database, role), role)
    owner.http.headers["X-Workspace-Id"] = team
    async with receiver(answering(410)) as gone:
        await scene.endpoint(gone.url, by=owner.http)
        await owner.http.aclose()
        scene.account.workspace_id = decode("ws", team)
        await scene.tell()
        await scene.courier.deliver()
    assert [mail["to_address"].partition("-")[0] for mail in await mails(scene)] == ["admin", "owner"]
    letters = [await outbox.letter(mail["id"]) for mail in await mails(scene)]
    assert [letter.subject for letter in letters] == [
        "Backlot: a webhook was switched off",
        "Backlot: một webhook đã bị tắt",
    ]
    assert all("Northwind" in letter.text for letter in letters)
    assert all("127.0.0.2" in letter.text for letter in letters)


async def test_it_dies_between_and_nothing_is_half_done(
    scene: Scene, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note of the attempt, the endpoint, the event and the mails are one transaction."""

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("died")

    monkeypatch.setattr(disabling.mail, "post", die)
    async with receiver(answering(410)) as gone:
        endpoint = await scene.endpoint(gone.url)
        await scene.tell()
        (row,) = await scene.courier._claim(1, 1)
        monkeypatch.setattr(scene.courier, "_write", _not_caught(scene))
        with pytest.raises(RuntimeError, match="died"):
            await scene.courier._note(row, await scene.courier._sender.send(row, b"{}"), 0.0, delay=None)
        assert (await scene.read(endpoint))["status"] == "enabled"
        assert await told(scene) == await mails(scene) == []
        (delivery,) = await scene.deliveries(endpoint)
        assert await scene.attempts(delivery["id"]) == []
        monkeypatch.undo()
        await scene.pass_time(26)
        await scene.courier.deliver()
        assert (await scene.read(endpoint))["status"] == "disabled"
        assert len(await told(scene)) == len(await mails(scene)) == 1
        assert [one["error"]["code"] for one in await scene.attempts(delivery["id"])] == ["interrupted", "status"]


def _not_caught(scene: Scene) -> Any:
    async def write(item: dict[str, Any], until: float, disables: Any) -> None:
        items = json.dumps([item], default=str)
        await disabling.note_and_disable(scene.database, items, *disables, at_once=4, breaker=5)

    return write


async def test_who_enabled_it_again_meanwhile_is_not_overruled_by_an_old_410(scene: Scene, outbox: Outbox) -> None:
    """What is under way when it is disabled says nothing of one that was disabled already."""
    async with receiver(answering(410)) as gone:
        endpoint = await scene.endpoint(gone.url)
        await scene.tell(*["batch.completed"] * 4)
        await scene.courier.deliver()
    assert len(await told(scene)) == len(await mails(scene)) == 1, "four said so, one was heard"
    assert (await scene.actions()).count("webhook_endpoint.disabled gone") == 1
    assert (await scene.read(endpoint))["status"] == "disabled"


async def test_a_hanging_endpoint_that_is_disabled_meanwhile_ends_well(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 1.0)
    async with receiver(hanging) as shop:
        endpoint = await scene.endpoint(shop.url)
        await scene.tell()
        delivering = asyncio.create_task(scene.courier.deliver())
        await shop.take(1)
        await scene.account.live.patch(f"/v1/webhook-endpoints/{endpoint['id']}", json={"status": "disabled"})
        await delivering
        await scene.courier.deliver()
        await scene.pass_time(10)
        await scene.courier.deliver()
        assert [one["status"] for one in await scene.deliveries(endpoint)] == ["discarded"]
