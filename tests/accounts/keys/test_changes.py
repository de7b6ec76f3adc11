"""Changing and ending keys: what is told of it, and where."""

import asyncio
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from app.accounts.keys import ending, secrets, service
from app.cli import cli
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from tests.accounts.keys.conftest import MakeKey
from tests.conftest import Account, client


async def rows(database: Database, statement: str, account: Account) -> list[dict[str, Any]]:
    async with database.transaction() as session:
        found = await session.execute(text(statement), {"workspace": account.workspace_id})
        return [dict(row) for row in found.mappings()]


async def test_all_but_the_mode_is_changed(account: Account, make_key: MakeKey) -> None:
    key, caller = await make_key()
    change = {
        "name": "renamed",
        "scopes": ["tasks:read", "credits:read", "tasks:read"],
        "expires_at": "2099-01-01T00:00:00Z",
        "allowed_ips": ["127.0.0.1"],
        "allowed_operations": ["upscale"],
        "rate_limit": 100,
        "budget": {"credits": 12.5, "period": "day"},
    }
    changed = await account.live.patch(f"/v1/api-keys/{key['id']}", json=change)
    assert changed.status_code == 200, changed.text
    shown = changed.json()
    assert (shown["name"], shown["scopes"]) == ("renamed", ["credits:read", "tasks:read"])
    assert (shown["allowed_ips"], shown["allowed_operations"], shown["rate_limit"]) == (["127.0.0.1"], ["upscale"], 100)
    assert (shown["budget"]["credits"], shown["budget"]["spent"]) == (12.5, 0)
    assert "secret" not in shown
    assert (await account.live.get(f"/v1/api-keys/{key['id']}")).json() == shown
    assert (await account.live.get("/v1/api-keys")).json()["data"][0] == shown
    assert (await caller.get("/v1/assets")).status_code == 403
    lifted = dict.fromkeys(("expires_at", "allowed_ips", "allowed_operations", "rate_limit", "budget"))
    shown = (await account.live.patch(f"/v1/api-keys/{key['id']}", json=lifted)).json()
    assert {shown[field] for field in lifted} == {None}
    assert shown["name"] == "renamed"
    assert (await account.live.patch(f"/v1/api-keys/{key['id']}", json={})).json() == shown


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"mode": "test"}, "/mode"),
        ({"name": None}, "/name"),
        ({"scopes": None}, "/scopes"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["all"]}, "/scopes/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"rate_limit": 0}, "/rate_limit"),
        ({"rate_limit": 1e3}, "/rate_limit"),
        ({"secret": "x"}, "/secret"),
    ],
)
async def test_what_cannot_be_is_named(
    account: Account, make_key: MakeKey, change: dict[str, Any], pointer: str
) -> None:
    key, _ = await make_key()
    answer = await account.live.patch(f"/v1/api-keys/{key['id']}", json=change)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_change_holds_in_other_processes(account: Account, other: Settings, make_key: MakeKey) -> None:
    key, _ = await make_key()
    async with client(other, key["secret"]) as there:
        assert (await there.get("/v1/credits")).status_code == 200
        await account.live.patch(f"/v1/api-keys/{key['id']}", json={"scopes": ["tasks:read"]})
        async with asyncio.timeout(2):
            while (await there.get("/v1/credits")).status_code != 403:
                await asyncio.sleep(0.02)


async def test_a_revoked_key_is_not_changed(account: Account, make_key: MakeKey) -> None:
    key, _ = await make_key()
    await account.live.delete(f"/v1/api-keys/{key['id']}")
    answer = await account.live.patch(f"/v1/api-keys/{key['id']}", json={"name": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "api_key_revoked")


async def test_the_audit_log_has_every_act_and_no_secret(
    account: Account, make_key: MakeKey, database: Database
) -> None:
    key, _ = await make_key(budget={"credits": 1})
    path = f"/v1/api-keys/{key['id']}"
    await account.live.patch(path, json={"name": "renamed"})
    new = (await account.live.post(f"{path}/rotate", json={"overlap_seconds": 60})).json()
    await account.live.delete(path)
    await account.live.delete(path)
    found = await rows(
        database,
        "select e.action, e.actor_kind, e.target_id, d.ip, d.data from audit_entries e"
        " join audit_details d on d.entry_id = e.id where e.workspace_id = :workspace order by e.number",
        account,
    )
    mine = [row for row in found if row["target_id"] == decode("key", key["id"])]
    acts = ["api_key.created", "api_key.updated", "api_key.rotated", "api_key.revoked"]
    assert [row["action"] for row in mine] == acts
    assert {(row["actor_kind"], row["ip"]) for row in mine} == {("api_key", "127.0.0.1")}
    assert mine[1]["data"]["changed"] == ["name"]
    for secret in (key["secret"], new["secret"]):
        assert secret not in repr(found)


async def test_the_event_log_tells_of_the_beginning_and_the_end(
    account: Account, make_key: MakeKey, database: Database
) -> None:
    key, _ = await make_key(account.test, rate_limit=7)
    await account.live.delete(f"/v1/api-keys/{key['id']}")
    await account.live.delete(f"/v1/api-keys/{key['id']}")
    told = await rows(
        database,
        "select type, mode, data from events where workspace_id = :workspace and type like 'api_key.%'"
        " order by position",
        account,
    )
    mine = [event for event in told if event["data"]["id"] == key["id"]]
    assert [(event["type"], event["mode"]) for event in mine] == [
        ("api_key.created", "test"),
        ("api_key.revoked", "test"),
    ]
    assert mine[0]["data"]["rate_limit"] == 7
    assert mine[1]["data"]["revoked_at"] is not None
    assert "secret" not in mine[0]["data"]


async def test_the_keys_somebody_made_end_together(
    account: Account, neighbour: Account, make_key: MakeKey, database: Database, settings: Settings
) -> None:
    _, caller = await make_key()
    assert (await caller.get("/v1/credits")).status_code == 200
    async with database.transaction() as session:
        user_id = (await service.authenticate(database, account.key)).user_id
        assert await ending.revoke_made_by(session, user_id, workspace_id=neighbour.workspace_id) == 0
        assert await ending.revoke_made_by(session, user_id, workspace_id=account.workspace_id) == 3
    async with asyncio.timeout(2):
        while (await caller.get("/v1/credits")).status_code != 401:
            await asyncio.sleep(0.02)
    assert (await neighbour.live.get("/v1/credits")).status_code == 200


async def test_live_keys_are_for_those_whose_address_is_verified(
    account: Account, database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        _, fresh = await service.issue_key(session, email=account.email, mode="live", name="n")
        await session.execute(
            text("update users set email_verified_at = null where lower(email) = :email"), {"email": account.email}
        )
    async with client(settings, fresh) as caller:
        live = await caller.post("/v1/api-keys", json={"name": "n"})
        assert (live.status_code, live.json()["code"]) == (403, "email_unverified")
        assert (await caller.post("/v1/api-keys", json={"name": "n", "mode": "test"})).status_code == 201


async def command(*words: str) -> Result:
    """In this process, which has the settings; in a thread, since it runs a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, cli, ["keys", *words])


async def test_the_operator_makes_shows_and_ends_keys(account: Account, settings: Settings) -> None:
    words = [
        "--scopes",
        "credits:read,keys:read",
        "--expires",
        "30d",
        "--ips",
        "127.0.0.1,10.0.0.0/8",
        "--operations",
        "upscale",
    ]
    made = await command("create", "--email", account.email, *words, "--rate", "60", "--budget", "2.5/month")
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip().splitlines()[-1]
    parsed = secrets.parse(secret)
    assert parsed is not None
    async with client(settings, secret) as caller:
        shown = (await caller.get("/v1/api-keys")).json()["data"][0]
        assert shown["allowed_ips"] == ["127.0.0.1", "10.0.0.0/8"]
        assert (shown["rate_limit"], shown["allowed_operations"]) == (60, ["upscale"])
        assert (shown["budget"]["credits"], shown["budget"]["period"]) == (2.5, "month")
        assert shown["scopes"] == ["credits:read", "keys:read"]
        listed = (await command("list", "--email", account.email)).stdout
        line = next(line for line in listed.splitlines() if line.startswith(shown["id"]))
        assert "0 of 2.5 spent" in line
        assert secret not in listed
        assert (await command("revoke", shown["id"])).stdout == f"Revoked {shown['hint']}.\n"
        async with asyncio.timeout(2):
            while (await caller.get("/v1/credits")).status_code != 401:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ips", "home"], "allowed_ips"),
        (["--budget", "much"], "write 25"),
        (["--budget", "5/week"], "budget"),
        (["--rate", "0"], "rate_limit"),
        (["--operations", "upskale"], "upskale"),
        (["--expires", "tomorrow"], "tomorrow"),
    ],
)
async def test_the_operator_hears_what_is_wrong(account: Account, words: list[str], said: str) -> None:
    failed = await command("create", "--email", account.email, *words)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert said in str(failed.exception)


async def test_an_unknown_key_is_not_revoked() -> None:
    for key_id in ("nonsense", "key_01jcqzm4x8e3v9tk5h2w7d6n0p"):
        assert (await command("revoke", key_id)).exit_code == 1
