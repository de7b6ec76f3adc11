"""Webhook endpoints over HTTP: made, shown, changed, deleted; who may, and what is refused."""

from typing import Any

import httpx
import pytest

from app.accounts.models import Scope
from app.core.ids import encode
from app.webhooks import service
from tests.accounts.people import Person, make_key
from tests.conftest import client
from tests.webhooks.receiver import Receiver
from tests.webhooks.scene import Scene

PATH = "/v1/webhook-endpoints"
URL = "https://shop.example.com/hook"


def check(answer: httpx.Response, status: int, code: str, pointer: str | None = None) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


async def keyed(scene: Scene, *scopes: Scope) -> httpx.AsyncClient:
    """A client with a key of the customer's that has these scopes."""
    rows = await scene.rows("select user_id from members where workspace_id = $1", scene.account.workspace_id)
    person = Person(scene.account.email, rows[0]["user_id"], scene.account.workspace_id, scene.account.person)
    _, secret = await make_key(
        scene.database, person, encode("ws", scene.account.workspace_id), scopes=[one.value for one in scopes]
    )
    return client(scene.settings, secret)


async def test_an_endpoint_and_its_secret_which_is_shown_once(scene: Scene) -> None:
    made = await scene.endpoint(
        URL, event_types=["task.succeeded", "task.succeeded"], description="the shop", headers={"X-A": "1"}
    )
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made["public_key"].startswith("whpk_")
    assert made["event_types"] == ["task.succeeded"]
    assert (made["header_names"], made["status"], made["mode"]) == (["X-A"], "enabled", "live")
    shown = await scene.account.live.get(f"{PATH}/{made['id']}")
    assert shown.json() == made
    assert (await scene.account.live.get(PATH)).json() == {"data": [made], "next_cursor": None}
    assert secret not in str(await scene.rows("select t::text from webhook_endpoints t"))
    again = await scene.account.live.get(f"{PATH}/{made['id']}", headers={"If-None-Match": shown.headers["etag"]})
    assert again.status_code == 304
    assert await scene.actions() == ["webhook_endpoint.created"]


async def test_live_and_test_mode_are_apart(scene: Scene, shop: Receiver) -> None:
    live = await scene.endpoint(shop.url)
    test = await scene.endpoint(shop.url, by=scene.account.test)
    assert (live["mode"], test["mode"]) == ("live", "test")
    check(await scene.account.test.get(f"{PATH}/{live['id']}"), 404, "webhook_endpoint_not_found")
    check(await scene.account.live.delete(f"{PATH}/{test['id']}"), 404, "webhook_endpoint_not_found")
    await scene.tell(mode="test")
    await scene.courier.deliver()
    assert [got.event["mode"] for got in shop.got] == ["test"]


async def test_many_are_listed_page_by_page(scene: Scene) -> None:
    made = [(await scene.endpoint(URL))["id"] for _ in range(5)]
    first = (await scene.account.live.get(PATH, params={"limit": 3})).json()
    second = (await scene.account.live.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("order", "code", "pointer"),
    [
        ({"url": "http://shop.example.com"}, None, None),  # names are judged when they are looked up
        ({"url": "http://127.0.0.1/hook"}, "webhook_url_not_allowed", "/url"),
        ({"url": "https://127.0.0.1/hook"}, "webhook_url_not_allowed", "/url"),
        ({"url": "https://10.1.2.3/hook"}, "webhook_url_not_allowed", "/url"),
        ({"url": "https://169.254.169.254/latest"}, "webhook_url_not_allowed", "/url"),
        ({"url": "https://[::1]/hook"}, "webhook_url_not_allowed", "/url"),
        ({"url": "https://[::ffff:10.0.0.1]/hook"}, "webhook_url_not_allowed", "/url"),
        ({"url": "https://me:secret@shop.example.com"}, "webhook_url_not_allowed", "/url"),
        ({"url": "ftp://shop.example.com"}, "webhook_url_not_allowed", "/url"),
        ({"url": "shop.example.com"}, "webhook_url_not_allowed", "/url"),
        ({"url": ""}, "invalid_request", "/url"),
        ({}, "invalid_request", "/url"),
        ({"url": URL, "event_types": []}, "invalid_request", "/event_types"),
        ({"url": URL, "event_types": ["task.done"]}, "unknown_event_type", "/event_types/0"),
        ({"url": URL, "event_types": ["mail.*"]}, "unknown_event_type", "/event_types/0"),
        ({"url": URL, "secret": "whsec_mine"}, "invalid_request", "/secret"),
        ({"url": URL, "headers": {"Webhook-Id": "1"}}, "invalid_request", "/headers"),
        ({"url": URL, "headers": {"Host": "other"}}, "invalid_request", "/headers"),
        ({"url": URL, "headers": {"x y": "1"}}, "invalid_request", "/headers"),
        ({"url": URL, "headers": {"x": "1\r\ny: 2"}}, "invalid_request", "/headers"),
        ({"url": URL, "headers": {"x": "é"}}, "invalid_request", "/headers"),
        ({"url": URL, "headers": {"x": "1", "X": "2"}}, "invalid_request", "/headers"),
        ({"url": URL, "headers": {f"x{n}": "1" for n in range(21)}}, "invalid_request", "/headers"),
    ],
)
async def test_what_is_wrong_is_named(
    order: dict[str, Any], code: str | None, pointer: str | None, scene: Scene
) -> None:
    answer = await scene.account.live.post(PATH, json=order)
    if code is None:
        assert answer.status_code == 201
        return
    assert answer.status_code == 422, answer.text
    (error, *_) = answer.json()["errors"]
    assert code in (answer.json()["code"], error["code"])
    assert error["pointer"] == pointer
    assert (await scene.account.live.get(PATH)).json()["data"] == []


async def test_no_more_than_a_workspace_may_have(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_ENDPOINTS", 2)
    for _ in range(2):
        await scene.endpoint(URL)
    check(await scene.account.live.post(PATH, json={"url": URL}), 409, "too_many_webhook_endpoints")
    await scene.endpoint(URL, by=scene.account.test)


async def test_nobody_gets_by_webhook_what_they_cannot_read(scene: Scene) -> None:
    async with await keyed(scene, Scope.WEBHOOKS_WRITE, Scope.WEBHOOKS_READ, Scope.TASKS_READ) as key:
        for types in (None, ["api_key.created"], ["task.*", "credits.low"], ["*"]):
            check(await key.post(PATH, json={"url": URL, "event_types": types}), 403, "missing_scope", "/event_types")
        mine = await scene.endpoint(URL, by=key, event_types=["task.*", "batch.completed"])
        check(await key.patch(f"{PATH}/{mine['id']}", json={"event_types": None}), 403, "missing_scope")
        theirs = await scene.endpoint(URL)
        check(await key.patch(f"{PATH}/{theirs['id']}", json={"url": f"{URL}/mine"}), 403, "missing_scope")
        again = {"after": "2026-11-01T00:00:00Z"}
        check(await key.post(f"{PATH}/{theirs['id']}/redeliver", json=again), 403, "missing_scope")
        assert (await key.patch(f"{PATH}/{theirs['id']}", json={"status": "disabled"})).status_code == 200


async def test_what_was_sent_is_shown_to_those_alone_who_may_read_it(scene: Scene, shop: Receiver) -> None:
    await scene.endpoint(shop.url)
    await scene.tell("api_key.created", data={"name": "hush"})
    await scene.courier.deliver()
    (delivery,) = await scene.deliveries()
    path = f"/v1/webhook-deliveries/{delivery['id']}"
    async with await keyed(scene, Scope.WEBHOOKS_READ, Scope.TASKS_READ) as key:
        shown = await key.get(path)
        assert shown.json()["attempts"][0]["request"]["body"] is None
        assert "hush" not in shown.text
    assert "hush" in (await scene.account.live.get(path)).text


async def test_it_is_changed_field_by_field(scene: Scene, shop: Receiver) -> None:
    made = await scene.endpoint(URL, description="a", headers={"X-A": "1"}, event_types=["task.*"])
    path = f"{PATH}/{made['id']}"
    changed = (await scene.account.live.patch(path, json={"url": shop.url, "description": None})).json()
    assert (changed["url"], changed["description"], changed["header_names"]) == (shop.url, None, ["X-A"])
    assert changed["event_types"] == ["task.*"]
    changed = (await scene.account.live.patch(path, json={"headers": None, "event_types": None})).json()
    assert (changed["header_names"], changed["event_types"]) == ([], None)
    await scene.tell()
    await scene.courier.deliver()
    assert "x-a" not in shop.got[0].headers
    for wrong in ({"url": None}, {"status": None}, {"status": "gone"}, {"disabled_reason": None}):
        check(await scene.account.live.patch(path, json=wrong), 422, "invalid_request")
    check(await scene.account.live.patch(path, json={"url": "https://10.0.0.1"}), 422, "webhook_url_not_allowed")
    assert await scene.actions() == ["webhook_endpoint.created", "webhook_endpoint.updated", "webhook_endpoint.updated"]


async def test_disabled_it_gets_nothing_and_what_waited_is_discarded(scene: Scene, shop: Receiver) -> None:
    made = await scene.endpoint(shop.url)
    path = f"{PATH}/{made['id']}"
    await scene.tell()
    off = (await scene.account.live.patch(path, json={"status": "disabled"})).json()
    assert (off["status"], off["disabled_reason"]) == ("disabled", "user")
    assert off["disabled_at"]
    await scene.tell()
    await scene.courier.deliver()
    assert shop.got == []
    assert [one["status"] for one in await scene.deliveries(made)] == ["discarded"]
    check(await scene.account.live.post(f"{path}/test"), 409, "webhook_endpoint_disabled")
    on = (await scene.account.live.patch(path, json={"status": "enabled"})).json()
    assert (on["status"], on["disabled_reason"], on["disabled_at"]) == ("enabled", None, None)
    await scene.tell()
    await scene.courier.deliver()
    assert len(shop.got) == 1
    assert await scene.actions() == [
        "webhook_endpoint.created",
        "webhook_endpoint.disabled user",
        "webhook_endpoint.enabled",
    ]


async def test_deleted_it_is_gone_and_its_deliveries_can_be_read(scene: Scene, shop: Receiver) -> None:
    made = await scene.endpoint(shop.url)
    await scene.tell()
    (delivery,) = await scene.deliveries(made)
    assert (await scene.account.live.delete(f"{PATH}/{made['id']}")).status_code == 204
    check(await scene.account.live.delete(f"{PATH}/{made['id']}"), 404, "webhook_endpoint_not_found")
    await scene.courier.deliver()
    assert shop.got == []
    shown = (await scene.account.live.get(f"/v1/webhook-deliveries/{delivery['id']}")).json()
    assert shown["status"] == "discarded"
    again = await scene.account.live.post(f"/v1/webhook-deliveries/{delivery['id']}/redeliver")
    check(again, 409, "webhook_endpoint_disabled")
    assert (await scene.actions())[-1] == "webhook_endpoint.deleted"


async def test_a_test_is_sent_to_this_endpoint_once(scene: Scene, shop: Receiver) -> None:
    made = await scene.endpoint(shop.url, event_types=["batch.*"])
    await scene.endpoint(shop.url)
    answer = await scene.account.live.post(f"{PATH}/{made['id']}/test")
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/webhook-deliveries/{answer.json()['id']}"
    asked = await scene.account.live.post(f"{PATH}/{made['id']}/test", json={"type": "task.succeeded"})
    await scene.courier.deliver()
    assert {got.event["type"] for got in shop.got} == {"batch.completed", "task.succeeded"}
    assert [one["is_test"] for one in await scene.deliveries(made)] == [True, True]
    assert (await scene.account.live.get(f"/v1/events/{asked.json()['event_id']}")).status_code == 404
    wrong = await scene.account.live.post(f"{PATH}/{made['id']}/test", json={"type": "task.*"})
    check(wrong, 422, "invalid_request", "/type")


async def test_a_test_that_fails_is_not_repeated_and_says_nothing_of_the_endpoint(scene: Scene) -> None:
    made = await scene.endpoint("http://127.0.0.2:1/hook")
    await scene.account.live.post(f"{PATH}/{made['id']}/test")
    await scene.courier.deliver()
    (delivery,) = await scene.deliveries(made)
    assert (delivery["status"], delivery["error"]) == ("failed", "connection")
    assert (await scene.queue(made))["failures"] == 0


async def test_deliveries_are_found_by_state_type_and_time(scene: Scene, shop: Receiver) -> None:
    made = await scene.endpoint(shop.url)
    await scene.tell("batch.completed")
    await scene.courier.deliver()
    await scene.tell("credits.low")
    all_ = await scene.deliveries(made)
    assert [one["event_type"] for one in all_] == ["batch.completed", "credits.low"]
    for params, wanted in (
        ({"status": "succeeded"}, all_[:1]),
        ({"status": ["succeeded", "pending"]}, all_),
        ({"status": "failed"}, []),
        ({"event_type": "credits.low"}, all_[1:]),
        ({"created_after": all_[0]["created_at"]}, all_[1:]),
    ):
        assert await scene.deliveries(made, **params) == wanted, params
    check(await scene.account.test.get(f"{PATH}/{made['id']}/deliveries"), 404, "webhook_endpoint_not_found")
    path = f"/v1/webhook-deliveries/{all_[0]['id']}"
    check(await scene.account.test.get(path), 404, "webhook_delivery_not_found")


async def test_the_secret_of_a_workspace(scene: Scene) -> None:
    path = "/v1/webhook-signing-secret"
    first = (await scene.account.live.get(path)).json()
    assert first["rotated_at"] is None
    assert "secret" not in first
    shown = (await scene.account.live.post(f"{path}/rotate")).json()
    again = (await scene.account.live.post(f"{path}/rotate", json={"overlap_seconds": 60})).json()
    last = (await scene.account.live.post(f"{path}/rotate", json={"overlap_seconds": 0})).json()
    assert len({first["public_key"], shown["public_key"], again["public_key"], last["public_key"]}) == 4
    assert shown["previous_secret_until"] is None, "nobody had the one before"
    assert again["previous_secret_until"] > again["rotated_at"]
    assert last["previous_secret_until"] is None
    now = (await scene.account.live.get(path)).json()
    assert now == {name: value for name, value in last.items() if name != "secret"}
    check(await scene.account.live.post(f"{path}/rotate", json={"overlap_seconds": 604801}), 422, "invalid_request")
    assert await scene.actions() == ["webhook_signing_secret.rotated"] * 3


async def test_of_a_long_backlog_all_is_discarded(scene: Scene, shop: Receiver) -> None:
    made = await scene.endpoint(shop.url)
    await scene.tell()
    await scene.database.fetch(
        "insert into webhook_deliveries (id, workspace_id, mode, endpoint_id, target_id, event_id, event_type, status,"
        " attempts, tries, due_at, created_at) select new_id(), workspace_id, mode, endpoint_id, target_id, new_id(),"
        " event_type, 'pending', 1, 1, now() + interval '5 hours', now()"
        " from webhook_deliveries, generate_series(1, 1200)"
    )
    await scene.account.live.patch(f"{PATH}/{made['id']}", json={"status": "disabled"})
    for _ in range(4):
        assert await scene.courier.deliver() == 0
    states = await scene.rows("select status, count(*) from webhook_deliveries group by status")
    assert states == [{"status": "discarded", "count": 1201}]
