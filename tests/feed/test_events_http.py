"""The list of events, and one of them."""

from typing import Any

import pytest

from app.core.settings import Settings
from tests.conftest import Account, client
from tests.feed.conftest import Teller

KEYS = {"type": "api_key.*"}


async def listed(account: Account, **params: Any) -> list[dict[str, Any]]:
    """Of the signed-in user, who may see all types; page by page."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await account.person.get("/v1/events", params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        if (cursor := answer.json()["next_cursor"]) is None:
            return found
        params["cursor"] = cursor


async def test_newest_first_and_each_once_over_pages(teller: Teller, account: Account) -> None:
    for name in "abcdefg":
        await teller.tell(name=name)
    told = await listed(account, limit=3, **KEYS)
    assert [event["data"]["name"] for event in told if "name" in event["data"]][:7] == list("gfedcba")
    assert len({event["id"] for event in told}) == len(told)


async def test_a_page_stays_true_while_more_happens(teller: Teller, account: Account) -> None:
    for name in "abcd":
        await teller.tell(name=name)
    first = (await account.person.get("/v1/events", params={"limit": 2, **KEYS})).json()
    await teller.tell(name="e")
    params = {"limit": 2, "cursor": first["next_cursor"], **KEYS}
    second = (await account.person.get("/v1/events", params=params)).json()
    assert [event["data"]["name"] for event in first["data"] + second["data"]] == list("dcba")


async def test_an_event_is_found_by_its_id(teller: Teller, account: Account) -> None:
    await teller.tell(name="a")
    newest = (await listed(account, **KEYS))[0]
    answer = await account.person.get(f"/v1/events/{newest['id']}")
    assert answer.json() == newest
    assert (newest["object"], newest["version"], newest["mode"]) == ("event", 1, "live")


async def test_a_task_is_told_as_it_is_read(teller: Teller, account: Account) -> None:
    body = {"operation": "upscale", "input": {"image": await account.upload(), "scale": 2}}
    task = (await account.live.post("/v1/tasks", json=body)).json()
    await account.live.post(f"/v1/tasks/{task['id']}/cancel")
    await teller.publisher.publish()
    told = await listed(account, task_id=task["id"])
    assert [event["type"] for event in told] == ["task.canceled", "task.created"]
    assert told[1]["data"] == task
    now = (await account.live.get(f"/v1/tasks/{task['id']}")).json()
    assert told[0]["data"] == now | {"balance": told[0]["data"]["balance"]}


async def test_an_asset_is_told_with_links_that_work(teller: Teller, account: Account) -> None:
    asset = await account.upload()
    await teller.publisher.publish()
    (event,) = await listed(account, type="asset.created")
    assert event["data"]["id"] == asset
    assert (await account.live.get(event["data"]["urls"]["full"])).status_code == 200
    await account.live.delete(f"/v1/assets/{asset}")
    await teller.publisher.publish()
    gone, made = await listed(account, type="asset.*")
    assert (gone["type"], gone["data"]["id"]) == ("asset.deleted", asset)
    assert made["data"]["urls"] == {"full": None, "medium": None, "thumbnail": None}


async def test_nobody_sees_types_their_key_has_no_scope_for(
    teller: Teller, account: Account, settings: Settings
) -> None:
    await teller.tell(name="a")
    made = (await account.live.post("/v1/api-keys", json={"name": "shop"})).json()
    newest = (await listed(account, **KEYS))[0]
    async with client(settings, made["secret"]) as shop:
        told = (await shop.get("/v1/events", params={"limit": 100})).json()["data"]
        assert not [event for event in told if event["type"].startswith("api_key.")]
        assert (await shop.get(f"/v1/events/{newest['id']}")).json()["code"] == "event_not_found"


async def test_other_workspaces_and_the_other_mode_see_nothing(
    teller: Teller, account: Account, neighbour: Account
) -> None:
    await teller.tell(name="secret word")
    newest = (await listed(account, **KEYS))[0]
    for other in (neighbour.person, account.test):
        assert "secret word" not in (await other.get("/v1/events", params={"limit": 100})).text
        assert (await other.get(f"/v1/events/{newest['id']}")).status_code == 404


async def test_times_narrow_the_list(teller: Teller, account: Account) -> None:
    for name in "abc":
        await teller.tell(name=name)
    told = await listed(account, **KEYS)
    at = next(event["timestamp"] for event in told if event["data"].get("name") == "b")
    later = await listed(account, created_after=at, **KEYS)
    assert [event["data"]["name"] for event in later] == ["c"]
    assert "c" not in [event["data"].get("name") for event in await listed(account, created_before=at, **KEYS)]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"type": "task.nothing"}, "query:type"),
        ({"task_id": "task_x"}, "query:task_id"),
        ({"created_after": "yesterday"}, "query:created_after"),
        ({"cursor": "abc"}, "query:cursor"),
    ],
)
async def test_what_is_wrong_is_named(account: Account, params: dict[str, str], pointer: str) -> None:
    answer = await account.live.get("/v1/events", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
