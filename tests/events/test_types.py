"""Which events there are: what is told of assets and API keys, and that the list of types is the whole truth."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.accounts.models import Scope
from app.assets import queries, service
from app.assets.models import Asset, AssetFile
from app.assets.tools import AssetTools
from app.core import clock
from app.core.db import Database
from app.core.ids import decode, new_id
from app.core.problems import InvalidRequest
from app.core.settings import Settings
from app.feed.schemas import EVENT_MODELS, EVENT_TYPES, example, expand, visible_types
from tests.accounts.people import make_person, seat
from tests.conftest import Account
from tests.events.told import Told, check, names, told

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
ROW = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \|.*\| `([a-z]+:[a-z]+)` \|$", re.MULTILINE)


def test_the_page_lists_every_type_and_who_sees_it() -> None:
    assert ROW.findall(PAGE) == [(name, told_.scope.value) for name, told_ in EVENT_TYPES.items()]


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_example_is_what_the_type_says(name: str) -> None:
    data = example(name)
    if name.startswith("task.") and name != "task.succeeded":
        assert data["outputs"] == [], "results come with success alone"
    check([Told(name, "live", data, None)])
    assert EVENT_MODELS[name].__name__ == EVENT_TYPES[name].title


def test_what_may_be_seen_goes_by_scopes() -> None:
    assert visible_types({"events:read"}) == frozenset()
    assert visible_types({Scope.ASSETS_READ}) == {"asset.created", "asset.deleted"}
    assert visible_types({"credits:read", "keys:read"}) == expand(["credits.*", "api_key.*"], "/types")
    assert visible_types(set(Scope)) == EVENT_TYPES.keys()


def test_patterns_stand_for_names() -> None:
    assert expand(["batch.*", "task.failed"], "/types") == {"batch.completed", "task.failed"}
    assert expand(["*"], "/types") == EVENT_TYPES.keys()
    assert expand([], "/types") == frozenset()
    assert expand(["task.*", "asset.created"], "/types", within={"asset.created"}) == {"asset.created"}


@pytest.mark.parametrize(
    "wrong", ["task", "task.", "tas*", "task.*.*", "Task.created", ".*", "", "mail.*", "task.gone"]
)
def test_what_stands_for_nothing_is_named(wrong: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        expand(["task.*", wrong], "/event_types")
    (fault,) = caught.value.errors
    assert (fault.pointer, fault.code) == ("/event_types/1", "unknown_event_type")
    assert "asset.created" in fault.detail
    with pytest.raises(InvalidRequest) as caught:
        expand([wrong], "query:types")
    assert caught.value.errors[0].pointer == "query:types"


async def test_an_upload_and_its_end_are_told(account: Account, database: Database) -> None:
    asset_id = await account.upload()
    assert (await account.live.patch(f"/v1/assets/{asset_id}", json={"favorite": True})).is_success
    shown = (await account.live.get(f"/v1/assets/{asset_id}")).json()
    assert (await account.live.delete(f"/v1/assets/{asset_id}")).status_code == 204
    created, deleted = events = await told(database, account.workspace_id, "asset")
    check(events)
    assert (created.type, deleted.type) == ("asset.created", "asset.deleted")
    del shown["urls"]
    assert deleted.data == shown, "as it was at its end"
    assert created.data == shown | {"favorite": False}
    assert {event.mode for event in events} == {"live"}
    assert {event.task_id for event in events} == {None}


async def test_what_never_was_an_asset_is_not_told(account: Account, database: Database) -> None:
    refused = await account.live.post("/v1/assets", files={"file": ("no.jpg", b"this is no picture")})
    assert refused.status_code == 415
    assert await names(database, account.workspace_id, "asset") == []


@pytest.fixture
async def tools(settings: Settings) -> AsyncIterator[AssetTools]:
    tools = AssetTools(settings)
    yield tools
    await tools.close()


def _asset(account: Account, *, is_intermediate: bool = False) -> Asset:
    asset_id = new_id()
    return Asset(
        id=asset_id,
        workspace_id=account.workspace_id,
        mode="live",
        source="task",
        content_type="image/png",
        size=3,
        sha256=b"abc",
        is_intermediate=is_intermediate,
        task_id=new_id(),
        created_at=clock.now(),
        files=[AssetFile(rendition="full", key=f"assets/{asset_id}/x/full.png", content_type="image/png", size=3)],
    )


async def test_only_what_is_listed_is_told_and_once(account: Account, database: Database, tools: AssetTools) -> None:
    whole, between = _asset(account), _asset(account, is_intermediate=True)
    await queries.add(database, [whole, between])
    assert await names(database, account.workspace_id, "asset") == []
    for _ in range(2):  # as after a commit nobody heard of
        async with database.transaction() as session:
            await service.publish(session, [whole.id, between.id])
    (created,) = await told(database, account.workspace_id, "asset")
    assert decode("asset", created.data["id"]) == whole.id
    assert decode("task", created.data["task_id"]) == whole.task_id
    check([created])
    for _ in range(2):
        await service.discard(tools, database, [whole.id, between.id])
    assert await names(database, account.workspace_id, "asset") == ["asset.created", "asset.deleted"]


async def test_one_that_was_never_seen_ends_unseen(account: Account, database: Database, tools: AssetTools) -> None:
    left = _asset(account)
    await queries.add(database, [left])
    await service.discard(tools, database, [left.id])
    assert await names(database, account.workspace_id, "asset") == []


async def test_what_is_rolled_back_was_never_told(account: Account, database: Database) -> None:
    asset = _asset(account)
    await queries.add(database, [asset])

    async def publish_and_die() -> None:
        async with database.transaction() as session:
            await service.publish(session, [asset.id])
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await publish_and_die()
    assert await names(database, account.workspace_id, "asset") == []


# --- API keys


async def test_all_that_happens_to_a_key_is_told_without_its_secret(account: Account, database: Database) -> None:
    before = len(await told(database, account.workspace_id, "api_key"))
    made = (await account.live.post("/v1/api-keys", json={"name": "shop", "scopes": ["tasks:read"]})).json()
    path = f"/v1/api-keys/{made['id']}"
    assert (await account.live.patch(path, json={"name": "web shop", "rate_limit": 60})).is_success
    rotated = (await account.live.post(f"{path}/rotate", json={})).json()
    shown = (await account.live.get(path)).json()
    assert (await account.live.delete(path)).status_code == 204
    assert (await account.live.delete(path)).status_code == 204
    events = (await told(database, account.workspace_id, "api_key"))[before:]
    assert [event.type for event in events] == [
        f"api_key.{what}" for what in ("created", "updated", "rotated", "revoked")
    ]
    check(events)
    assert {event.data["id"] for event in events} == {made["id"]}
    assert (events[1].data["name"], events[1].data["rate_limit"]) == ("web shop", 60)
    assert events[2].data == shown
    assert events[3].data["revoked_at"] is not None
    said = str(events)
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in said
        assert secret[12:30] not in said


async def test_keys_that_end_with_their_maker_or_are_left_less_are_told(settings: Settings, database: Database) -> None:
    owner = await make_person(settings, database, "owner")
    team = await owner.make_team()
    workspace_id = decode("ws", team)
    for keeps in (False, True):
        mate = await make_person(settings, database, "mate")
        await seat(database, team, mate, "admin")
        headers = {"X-Workspace-Id": team}
        order = {"name": "theirs", "mode": "test", "scopes": ["tasks:read", "keys:write"]}
        made = await mate.http.post("/v1/api-keys", json=order, headers=headers)
        assert made.status_code == 201, made.text
        await seat(database, team, mate, "member")  # who gave the key more than they have now
        query = {"keep_api_keys": "true"} if keeps else {}
        gone = await owner.http.delete(f"/v1/workspaces/{team}/members/{mate.id}", params=query)
        assert gone.status_code == 204, gone.text
        events = [event for event in await told(database, workspace_id) if event.data["id"] == made.json()["id"]]
        check(events)
        assert [event.type for event in events] == [
            "api_key.created",
            "api_key.updated" if keeps else "api_key.revoked",
        ]
        if keeps:
            assert events[1].data["scopes"] == ["tasks:read"]
        await mate.http.aclose()
    await owner.http.aclose()
