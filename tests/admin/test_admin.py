"""Administrators, what they do with users, and what they cannot."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.ids import encode
from app.core.settings import Settings
from app.main import create_app
from app.privacy.erasure import service as erasure
from tests.accounts.signed_in import let_due, make_admin, make_team, sign_in, user_of
from tests.conftest import Account, make_account
from tests.test_openapi import OPERATIONS


@pytest.fixture
async def boss(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Account]:
    """An administrator."""
    made = await make_account(settings, database)
    await make_admin(database, made)
    yield made
    await database.fetch("update users set role = 'user' where id = $1", await user_of(database, made))
    await made.live.aclose()
    await made.test.aclose()


@pytest.fixture
async def admin(boss: Account, settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The same, who signed in just now."""
    async with await sign_in(settings, database, boss) as signed_in:
        yield signed_in


async def _path(database: Database, account: Account, verb: str = "") -> str:
    return f"/v1/admin/users/{encode('user', await user_of(database, account))}{verb}"


async def _suspend(admin: httpx.AsyncClient, database: Database, account: Account) -> httpx.Response:
    return await admin.post(await _path(database, account, "/suspend"), json={"reason": "Resells stolen cards"})


async def _eventually(ask: Callable[[], Awaitable[httpx.Response]], status: int) -> httpx.Response:
    """The answer, when it is what is awaited; seconds at most, as other processes hear of a change by a message."""
    async with asyncio.timeout(5):
        while (answer := await ask()).status_code != status:
            await asyncio.sleep(0.02)
    return answer


# --- who may


@pytest.mark.parametrize("route", [name for name in OPERATIONS if " /v1/admin/" in name])
async def test_nobody_else_may(
    account: Account, boss: Account, settings: Settings, database: Database, route: str
) -> None:
    method, path = route.split()
    path = path.replace("{user_id}", encode("user", await user_of(database, boss)))
    body: dict[str, Any] = {"confirm": boss.email} if method == "DELETE" else {"reason": "none"}
    given = {} if method == "GET" or path.endswith(("reinstate", "sign-out")) else {"json": body}
    async with await sign_in(settings, database, account) as person:
        refused = await person.request(method, path, **given)
    assert (refused.status_code, refused.json()["code"]) == (403, "admin_required")
    by_key = await boss.live.request(method, path, **given)
    assert (by_key.status_code, by_key.json()["code"]) == (403, "session_required")


async def test_what_is_hard_to_undo_needs_a_fresh_proof(
    account: Account, boss: Account, settings: Settings, database: Database
) -> None:
    async with await sign_in(settings, database, boss, is_confirmed=False) as admin:
        assert (await admin.get(await _path(database, account))).status_code == 200
        for answer in (
            await _suspend(admin, database, account),
            await admin.post(await _path(database, account, "/reinstate")),
            await admin.post(await _path(database, account, "/sign-out")),
            await admin.request("DELETE", await _path(database, account), json={"confirm": account.email}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "confirmation_required")
    assert (await account.live.get("/v1/credits")).status_code == 200


# --- users


async def test_users_are_found_by_a_part_of_their_address(admin: httpx.AsyncClient, account: Account) -> None:
    part = account.email[3:20].upper()
    found = (await admin.get("/v1/admin/users", params={"email": part})).json()["data"]
    assert [user["email"] for user in found] == [account.email]
    assert (await admin.get("/v1/admin/users", params={"email": "%"})).json()["data"] == []


async def test_users_are_listed_by_status_and_in_pages(
    admin: httpx.AsyncClient, account: Account, neighbour: Account, database: Database
) -> None:
    for one in (account, neighbour):
        await _suspend(admin, database, one)
    first = (await admin.get("/v1/admin/users", params={"status": "suspended", "limit": 1})).json()
    query = {"status": "suspended", "limit": 1, "cursor": first["next_cursor"]}
    second = (await admin.get("/v1/admin/users", params=query)).json()
    assert [user["email"] for user in first["data"] + second["data"]] == [neighbour.email, account.email]


async def test_a_user_is_shown_with_what_is_theirs(
    admin: httpx.AsyncClient, account: Account, settings: Settings, database: Database
) -> None:
    team = await make_team(database, "Lacquer", viewer=await user_of(database, account))
    async with await sign_in(settings, database, account):
        user = (await admin.get(await _path(database, account))).json()
    assert (user["email"], user["open_sessions"], user["has_password"]) == (account.email, 2, False)
    assert {(space["workspace_id"], space["role"]) for space in user["workspaces"]} == {
        (encode("ws", account.workspace_id), "owner"),
        (encode("ws", team), "viewer"),
    }
    gone = await admin.get("/v1/admin/users/user_01jcqzm4x8e3v9tk5h2w7d6n0p")
    assert (gone.status_code, gone.json()["code"]) == (404, "user_not_found")


async def test_a_suspension_reaches_sessions_and_keys_of_all_processes(
    admin: httpx.AsyncClient, account: Account, settings: Settings, database: Database
) -> None:
    elsewhere = create_app(settings)
    transport = httpx.ASGITransport(elsewhere)
    async with (
        elsewhere.router.lifespan_context(elsewhere),
        httpx.AsyncClient(transport=transport, base_url=settings.api.public_url) as other_process,
        await sign_in(settings, database, account) as person,
    ):

        def by_key() -> Awaitable[httpx.Response]:
            return other_process.get("/v1/credits", headers={"Authorization": f"Bearer {account.key}"})

        def by_session() -> Awaitable[httpx.Response]:
            return other_process.get("/v1/credits", headers={"Authorization": person.headers["Authorization"]})

        assert [(await ask()).status_code for ask in (by_key, by_session)] == [200, 200]
        assert (await _suspend(admin, database, account)).json()["status"] == "suspended"
        refused = await _eventually(by_key, 403)
        assert refused.json()["code"] == "account_suspended"
        await _eventually(by_session, 401)
        assert (await account.live.get("/v1/credits")).status_code == 403
        again = await admin.post(await _path(database, account, "/reinstate"))
        assert again.json()["status"] == "active"
        await _eventually(by_key, 200)
        await _eventually(by_session, 401)  # sessions stay ended


async def test_what_was_done_stands_in_both_logs(
    admin: httpx.AsyncClient, account: Account, boss: Account, database: Database
) -> None:
    await _suspend(admin, database, account)
    await _suspend(admin, database, account)  # changes nothing, and is not noted again
    await admin.post(await _path(database, account, "/reinstate"))
    user_id = encode("user", await user_of(database, account))
    for query in ({"workspace": encode("ws", account.workspace_id)}, {"platform": "true"}):
        answer = await admin.get("/v1/admin/audit-log", params={**query, "target": user_id})
        entries = [entry for entry in answer.json()["data"] if entry["action"] != "user.vouched_for"]
        assert [entry["action"] for entry in entries] == ["user.reinstated", "user.suspended"]
        assert (entries[0]["actor"]["kind"], entries[0]["actor"]["email"]) == ("admin", boss.email)
        assert entries[1]["data"] == {"reason": "Resells stolen cards"}
    own = (await account.live.get("/v1/audit-log", params={"action": "user.suspended"})).json()["data"]
    assert own[0]["actor"]["email"] == f"{boss.email[0]}•••@example.com"


async def test_only_the_installations_log_tells_from_where_an_admin_did_it(
    admin: httpx.AsyncClient, account: Account, database: Database
) -> None:
    await _suspend(admin, database, account)
    await admin.request("DELETE", await _path(database, account), json={"confirm": account.email})
    rows = await database.fetch(
        "select e.action, e.workspace_id is null, d.ip is not null or d.user_agent is not null"
        " from audit_entries e join audit_details d on d.entry_id = e.id where e.target_id = $1 order by 1, 2",
        await user_of(database, account),
    )
    assert [tuple(row) for row in rows if row["action"] in ("account.deletion_scheduled", "user.suspended")] == [
        ("account.deletion_scheduled", False, False),
        ("account.deletion_scheduled", True, True),
        ("user.suspended", False, False),
        ("user.suspended", True, True),
    ]


async def test_signing_out_ends_sessions_and_leaves_keys(
    admin: httpx.AsyncClient, account: Account, settings: Settings, database: Database
) -> None:
    async with await sign_in(settings, database, account) as person:
        assert (await person.get("/v1/me/export")).status_code == 200
        assert (await admin.post(await _path(database, account, "/sign-out"))).status_code == 200
        await _eventually(lambda: person.get("/v1/me/export"), 401)
    assert (await account.live.get("/v1/credits")).status_code == 200


# --- not themselves, and not the last


async def test_nobody_suspends_or_deletes_themselves(
    admin: httpx.AsyncClient, boss: Account, database: Database
) -> None:
    for answer in (
        await _suspend(admin, database, boss),
        await admin.request("DELETE", await _path(database, boss), json={"confirm": boss.email}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "own_account")
    leaving = await admin.request("DELETE", "/v1/me", json={"confirm": boss.email})
    assert (leaving.status_code, leaving.json()["code"]) == (409, "admins_stay")


async def test_of_two_admins_who_suspend_each_other_one_stays(
    admin: httpx.AsyncClient, boss: Account, account: Account, settings: Settings, database: Database
) -> None:
    await make_admin(database, account)
    async with await sign_in(settings, database, account) as second:
        answers = await asyncio.gather(_suspend(admin, database, account), _suspend(second, database, boss))
    done, late = sorted(answer.status_code for answer in answers)
    assert (done, late in (401, 403)) == (200, True)  # their session may be over before they are let in
    rows = await database.fetch(
        "select status from users where id = any($1)", [await user_of(database, one) for one in (boss, account)]
    )
    assert sorted(row["status"] for row in rows) == ["active", "suspended"]


# --- erasing


async def test_an_account_is_erased_by_its_address(
    admin: httpx.AsyncClient, account: Account, settings: Settings, database: Database, server: FastAPI
) -> None:
    path = await _path(database, account)
    wrong = await admin.request("DELETE", path, json={"confirm": "other@example.com"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/confirm")
    assert (await admin.request("DELETE", path, json={"confirm": account.email})).status_code == 202
    refused = await account.live.get("/v1/credits")
    assert refused.json()["code"] == "account_suspended"
    user_id = await user_of(database, account)
    await let_due(database, user_id)
    assert await erasure.erase_due(database, settings, server.state.asset_tools, only=user_id) == 1
    shown = (await admin.get(path)).json()
    assert (shown["status"], shown["email"], shown["workspaces"]) == ("erased", f"erased-{user_id}@invalid", [])
    again = await _suspend(admin, database, account)
    assert (again.status_code, again.json()["code"]) == (409, "account_erased")


async def test_an_admin_shortens_the_grace_of_who_leaves(
    admin: httpx.AsyncClient, account: Account, settings: Settings, database: Database
) -> None:
    async with await sign_in(settings, database, account) as person:
        later = (await person.request("DELETE", "/v1/me", json={"confirm": account.email})).json()["erase_at"]
    answer = await admin.request("DELETE", await _path(database, account), json={"confirm": account.email})
    assert answer.json()["erase_at"] < later


# --- the checks


@pytest.mark.parametrize("what", ["audit", "ledger"])
async def test_the_checks_are_run(admin: httpx.AsyncClient, account: Account, what: str) -> None:
    await account.live.get("/v1/credits")
    answer = (await admin.get(f"/v1/admin/{what}/verify")).json()
    assert (answer["ok"], answer["breaches"]) == (True, [])
    assert len(answer["checks"]) >= 6


async def test_a_breach_is_shown(admin: httpx.AsyncClient, account: Account, database: Database) -> None:
    await _suspend(admin, database, account)
    await database.fetch("alter table audit_details disable trigger audit_details_no_change")
    try:
        answer = (await admin.get("/v1/admin/audit/verify")).json()
    finally:
        await database.fetch("alter table audit_details enable always trigger audit_details_no_change")
    assert not answer["ok"]
    assert answer["breaches"] == [{"check": "A6", "detail": "there is no trigger audit_details_no_change"}]


async def test_an_admin_erases_the_only_owner_of_a_team_and_a_member_becomes_one(
    admin: httpx.AsyncClient,
    account: Account,
    neighbour: Account,
    settings: Settings,
    database: Database,
    server: FastAPI,
) -> None:
    """The user is told when it is done: they have not asked for it, and cannot take it back."""
    me, other = await user_of(database, account), await user_of(database, neighbour)
    team = await make_team(database, "Lacquer", owner=me, viewer=other)
    answer = await admin.request("DELETE", await _path(database, account), json={"confirm": account.email})
    assert answer.status_code == 202, answer.text
    assert await database.fetch("select 1 from mails where to_address = $1", account.email) == []
    await let_due(database, me)
    assert await erasure.erase_due(database, settings, server.state.asset_tools, only=me) == 1
    rows = await database.fetch("select user_id, role from members where workspace_id = $1", team)
    assert [tuple(row) for row in rows] == [(other, "owner")]
