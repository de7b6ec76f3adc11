"""Who reads what of the audit log."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.accounts.audit import service as audit
from app.accounts.keys.service import issue_key
from app.core import clock
from app.core.db import Database
from app.core.ids import encode, new_id
from app.core.settings import Settings
from app.core.visitor import Visitor
from tests.conftest import Account, client

VISITOR = Visitor("203.0.113.7", "Mozilla/5.0")


async def _act(database: Database, account: Account, action: str = "thing.done", **options: Any) -> None:
    async with database.transaction() as session:
        actor = options.pop("actor", audit.Actor("user", await _owner(database, account), visitor=VISITOR))
        audit.record(session, actor, action, workspace_id=account.workspace_id, **options)


async def _owner(database: Database, account: Account) -> UUID:
    row = await database.fetchrow("select owner_id from workspaces where id = $1", account.workspace_id)
    assert row
    owner: UUID = row["owner_id"]
    return owner


async def _listed(account: Account, **query: Any) -> list[dict[str, Any]]:
    answer = await account.live.get("/v1/audit-log", params=query)
    assert answer.status_code == 200, answer.text
    return [entry for entry in answer.json()["data"] if entry["action"].startswith("thing.")]


async def test_an_entry_says_who_did_what_to_what_from_where(account: Account, database: Database) -> None:
    key = new_id()
    await _act(database, account, target=("api_key", key), data={"name": "shop"})
    entry = (await _listed(account))[0]
    assert entry["actor"] == {
        "kind": "user",
        "user_id": encode("user", await _owner(database, account)),
        "key_id": None,
        "email": account.email,
    }
    assert entry["target"] == {"kind": "api_key", "id": encode("key", key)}
    assert (entry["ip"], entry["user_agent"]) == (VISITOR.ip, VISITOR.user_agent)
    assert (entry["data"], entry["is_erased"]) == ({"name": "shop"}, False)


async def test_another_workspace_sees_nothing_of_it(account: Account, neighbour: Account, database: Database) -> None:
    await _act(database, account)
    assert await _listed(neighbour) == []


async def test_without_the_scope_it_is_not_read(account: Account, settings: Settings, database: Database) -> None:
    async with database.transaction() as session:
        _, key = await issue_key(session, email=account.email, mode="live", name="narrow", scopes=["tasks:read"])
    async with client(settings, key) as narrow:
        answer = await narrow.get("/v1/audit-log")
    assert (answer.status_code, answer.json()["required_scope"]) == (403, "audit:read")


async def test_a_test_key_is_not_shown_what_is_live(account: Account, database: Database) -> None:
    await _act(database, account, "thing.live")
    answer = await account.test.get("/v1/audit-log")
    assert (answer.status_code, answer.json()["code"]) == (403, "live_key_required")


async def test_the_address_of_somebody_from_elsewhere_is_masked(
    account: Account, neighbour: Account, database: Database
) -> None:
    await _act(database, account, actor=audit.Actor("admin", await _owner(database, neighbour)))
    shown = (await _listed(account))[0]["actor"]["email"]
    assert shown == f"{neighbour.email[0]}•••@example.com"


async def test_each_filter_narrows(account: Account, database: Database) -> None:
    owner, key, target = await _owner(database, account), new_id(), new_id()
    await _act(database, account, "thing.first", target=("export", target))
    middle = clock.now() + timedelta(milliseconds=2)
    while clock.now() < middle:
        pass
    await _act(database, account, "thing.second", actor=audit.Actor("api_key", owner, key))

    async def actions(**query: str) -> list[str]:
        return [entry["action"] for entry in await _listed(account, **query)]

    assert await actions() == ["thing.second", "thing.first"]
    assert await actions(action="thing.first") == ["thing.first"]
    assert await actions(actor=encode("key", key)) == ["thing.second"]
    assert await actions(actor=encode("user", owner)) == ["thing.second", "thing.first"]
    assert await actions(actor=encode("user", new_id())) == []
    assert await actions(target=encode("export", target)) == ["thing.first"]
    assert await actions(created_after=middle.isoformat()) == ["thing.second"]
    assert await actions(created_before=middle.isoformat()) == ["thing.first"]


@pytest.mark.parametrize(
    ("name", "value"), [("actor", "nonsense"), ("actor", "task_01jcqzm4x8e3v9tk5h2w7d6n0p"), ("created_after", "now")]
)
async def test_a_wrong_filter_is_named(account: Account, name: str, value: str) -> None:
    answer = await account.live.get("/v1/audit-log", params={name: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"query:{name}"


async def test_pages_follow_each_other(account: Account, database: Database) -> None:
    for place in range(5):
        await _act(database, account, f"thing.number{place}")
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await account.live.get("/v1/audit-log", params=query)).json()
        seen += [entry["action"] for entry in page["data"] if entry["action"].startswith("thing.")]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [f"thing.number{place}" for place in reversed(range(5))]


async def test_erased_details_are_shown_as_erased(account: Account, database: Database) -> None:
    await _act(database, account, data={"name": "shop"})
    async with database.transaction() as session:
        await audit.erase_chain(session, account.workspace_id, about=("workspace", account.workspace_id))
    entry = (await _listed(account))[0]
    assert (entry["is_erased"], entry["data"], entry["ip"]) == (True, {}, None)
