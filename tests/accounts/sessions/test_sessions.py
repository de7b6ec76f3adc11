"""Sessions: signing in, seeing where, signing out; and that every process hears of it."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update

from app.accounts import changes
from app.accounts.models import User
from app.accounts.sessions import service
from app.accounts.sessions.devices import describe
from app.accounts.sessions.models import Session
from app.core import clock
from app.core.db import Database
from app.core.ids import encode
from app.core.settings import Settings
from app.core.visitor import Visitor
from tests.accounts.sessions.conftest import FIREFOX, SignIn, set_user
from tests.conftest import Account, client


async def refused(http: httpx.AsyncClient, code: str, *, at: str = "/v1/credits", seconds: float = 3) -> None:
    """Within seconds the credential opens nothing."""
    async with asyncio.timeout(seconds):
        while (answer := await http.get(at)).status_code == 200:
            await asyncio.sleep(0.02)
    assert answer.json()["code"] == code


async def rows(database: Database, query: str, **values: Any) -> list[Any]:
    async with database.transaction() as session:
        return list((await session.execute(text(query), values)).all())


async def test_a_sign_in_gives_tokens_that_work(sign_in: SignIn) -> None:
    person = await sign_in()
    assert (person.answer["object"], person.answer["token_type"]) == ("session", "Bearer")
    assert 890 <= person.answer["expires_in"] <= 900
    assert person.answer["user"]["email"] == person.email
    assert person.answer["csrf_token"] is None
    answer = await person.http.get("/v1/credits")
    assert answer.status_code == 200, answer.text


async def test_no_secret_of_a_session_rests_in_the_database(sign_in: SignIn, database: Database) -> None:
    person = await sign_in()
    found = repr(await rows(database, "select * from sessions")) + repr(
        await rows(database, "select * from signing_keys")
    )
    for secret in (person.refresh_token, person.answer["access_token"]):
        assert secret not in found
        assert secret[30:60] not in found


async def test_a_sign_in_is_in_the_audit_log(sign_in: SignIn, database: Database) -> None:
    person = await sign_in()
    query = "select e.actor_id, e.action, d.user_agent from audit_entries e join audit_details d on d.entry_id = e.id"
    found = await rows(database, f"{query} where e.target_id = :id", id=person.session_id)
    assert [tuple(row) for row in found] == [(person.user_id, "session.started", FIREFOX)]


async def test_tokens_have_no_place_in_a_redirect(second: FastAPI, second_url: str) -> None:
    async with httpx.AsyncClient(base_url=second_url) as door:
        params = {"email": "thu@example.com", "redirect_to": "https://shop.example"}
        assert (await door.post("/test/sign-in", params=params)).status_code == 500


async def test_sessions_are_listed_with_their_device(sign_in: SignIn) -> None:
    first = await sign_in()
    second = await sign_in(first.email, agent="curl/8.5.0")
    shown = (await second.http.get("/v1/me/sessions")).json()["data"]
    assert [(one["id"], one["device"], one["current"], one["ip"]) for one in shown] == [
        (second.answer["id"], "curl", True, "127.0.0.1"),
        (first.answer["id"], "Firefox on Linux", False, "127.0.0.1"),
    ]
    page = (await second.http.get("/v1/me/sessions", params={"limit": 1})).json()
    following = await second.http.get("/v1/me/sessions", params={"cursor": page["next_cursor"]})
    assert [one["id"] for one in following.json()["data"]] == [first.answer["id"]]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0",
         "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
         "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"),
        ("okhttp/4.12.0", "Android app"),
        ("something else", "Unknown device"),
        (None, "Unknown device"),
    ],
)  # fmt: skip
def test_a_device_is_told_in_words(agent: str | None, words: str) -> None:
    assert describe(agent) == words


async def test_logging_out_ends_this_session_alone(sign_in: SignIn) -> None:
    stays = await sign_in()
    goes = await sign_in(stays.email)
    assert (await goes.http.post("/v1/auth/logout")).status_code == 204
    assert (await goes.http.get("/v1/credits")).json()["code"] == "session_revoked"
    again = await goes.http.post("/v1/auth/refresh", json={"refresh_token": goes.refresh_token})
    assert (again.status_code, again.json()["code"]) == (401, "session_revoked")
    assert (await stays.http.get("/v1/credits")).status_code == 200


async def test_a_session_ended_from_another_is_out_in_every_process(
    sign_in: SignIn, settings: Settings, second_url: str
) -> None:
    here = await sign_in()
    lost = await sign_in(here.email)
    async with httpx.AsyncClient(base_url=second_url, headers=lost.http.headers) as elsewhere:
        assert (await elsewhere.get("/v1/credits")).status_code == 200
        assert (await here.http.delete(f"/v1/me/sessions/{lost.answer['id']}")).status_code == 204
        await refused(elsewhere, "session_revoked")
    assert [one["id"] for one in (await here.http.get("/v1/me/sessions")).json()["data"]] == [here.answer["id"]]


async def test_all_other_sessions_end_at_once(sign_in: SignIn) -> None:
    here = await sign_in()
    others = [await sign_in(here.email), await sign_in(here.email, cookies=True)]
    assert (await here.http.delete("/v1/me/sessions")).status_code == 204
    for other in others:
        assert (await other.http.get("/v1/credits")).status_code == 401
    assert (await here.http.get("/v1/credits")).status_code == 200


async def test_logging_out_everywhere_ends_this_one_too_and_no_key(
    sign_in: SignIn, account: Account, database: Database
) -> None:
    here = await sign_in(account.email)
    there = await sign_in(account.email)
    assert (await here.http.post("/v1/auth/logout-everywhere")).status_code == 204
    for one in (here, there):
        assert (await one.http.get("/v1/credits")).json()["code"] == "session_revoked"
    assert (await account.live.get("/v1/credits")).status_code == 200
    found = await rows(
        database, "select count(*) from audit_entries where action = 'sessions.ended' and target_id = :id",
        id=here.user_id,
    )  # fmt: skip
    assert found[0][0] == 1


async def test_a_neighbours_session_is_not_there(sign_in: SignIn) -> None:
    mine, theirs = await sign_in(), await sign_in()
    answer = await mine.http.delete(f"/v1/me/sessions/{theirs.answer['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    assert (await theirs.http.get("/v1/credits")).status_code == 200


async def test_a_suspended_user_is_out_in_every_process_within_seconds(
    sign_in: SignIn, database: Database, second_url: str
) -> None:
    person = await sign_in()
    async with httpx.AsyncClient(base_url=second_url, headers=person.http.headers) as elsewhere:
        assert (await elsewhere.get("/v1/credits")).status_code == 200
        assert (await person.http.get("/v1/credits")).status_code == 200
        async with database.transaction() as session:
            await session.execute(update(User).where(User.id == person.user_id).values(status="suspended"))
            changes.tell(session, person.user_id)
        await refused(elsewhere, "account_suspended")
        await refused(person.http, "account_suspended")
    answer = await person.http.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert answer.json()["code"] == "account_suspended"


async def test_a_password_change_ends_the_others_in_every_process(
    sign_in: SignIn, database: Database, second_url: str
) -> None:
    kept = await sign_in()
    ended = await sign_in(kept.email, cookies=True)
    async with httpx.AsyncClient(base_url=second_url, headers=ended.http.headers) as elsewhere:
        assert (await elsewhere.get("/v1/credits")).status_code == 200
        async with database.transaction() as session:
            await service.end_all(session, kept.user_id, reason="password_changed", keep=kept.session_id)
        await refused(elsewhere, "session_revoked")
        await refused(ended.http, "session_revoked")
    assert (await kept.http.get("/v1/credits")).status_code == 200


async def test_who_signs_in_with_a_password_that_is_just_being_changed_is_not_let_in(
    sign_in: SignIn, database: Database, settings: Settings
) -> None:
    """The sign-in read the user before the change, and comes to its end during it."""
    person = await sign_in()
    changed, seen = asyncio.Event(), asyncio.Event()

    async def change() -> None:
        async with database.transaction() as session:
            user = await session.get(User, person.user_id)
            assert user is not None
            await seen.wait()
            user.password_changed_at = clock.now()
            await session.flush()
            changed.set()
            await service.end_all(session, user.id, reason="password_changed")

    async def start() -> None:
        async with database.transaction() as session:
            user = await session.get(User, person.user_id)
            assert user is not None
            seen.set()
            await changed.wait()
            await service.start(session, settings, user, Visitor("", ""), kind="bearer", is_confirmed=False)

    results = await asyncio.gather(change(), start(), return_exceptions=True)
    assert results[0] is None
    assert getattr(results[1], "code", None) == "session_revoked"
    query = "select count(*) from sessions where user_id = :id and revoked_at is null"
    assert (await rows(database, query, id=person.user_id))[0][0] == 0


async def test_a_suspended_user_cannot_sign_in(sign_in: SignIn, database: Database, second_url: str) -> None:
    person = await sign_in()
    await set_user(database, person.user_id, status="suspended")
    async with httpx.AsyncClient(base_url=second_url) as door:
        answer = await door.post("/test/sign-in", params={"email": person.email})
    assert (answer.status_code, answer.json()["code"]) == (403, "account_suspended")


async def test_a_session_ends_when_its_time_is_up(sign_in: SignIn, database: Database, second_url: str) -> None:
    person = await sign_in()
    async with database.transaction() as session:
        soon = clock.now() + timedelta(seconds=1.2)
        await session.execute(update(Session).where(Session.id == person.session_id).values(expires_at=soon))
        changes.tell(session, person.session_id)
    async with asyncio.timeout(4):
        while (await person.http.get("/v1/credits")).status_code == 200:
            await asyncio.sleep(0.05)
    assert clock.now() >= soon
    answer = await person.http.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert answer.json()["code"] == "session_revoked"


async def test_the_use_of_a_session_is_written(sign_in: SignIn, database: Database) -> None:
    person = await sign_in()
    old = clock.now() - timedelta(hours=1)
    async with database.transaction() as session:
        await session.execute(update(Session).where(Session.id == person.session_id).values(last_used_at=old))
        changes.tell(session, person.session_id)
    async with asyncio.timeout(5):
        while True:
            await person.http.get("/v1/credits")
            found = await rows(database, "select last_used_at from sessions where id = :id", id=person.session_id)
            if found[0][0] > old:
                break
            await asyncio.sleep(0.05)


async def test_a_workspace_is_chosen_by_header(sign_in: SignIn, account: Account, neighbour: Account) -> None:
    person = await sign_in(account.email)
    own, others = encode("ws", account.workspace_id), encode("ws", neighbour.workspace_id)
    assert (await person.http.get("/v1/credits", headers={"X-Workspace-Id": own})).status_code == 200
    answer = await person.http.get("/v1/credits", headers={"X-Workspace-Id": others})
    assert (answer.status_code, answer.json()["code"]) == (404, "workspace_not_found")
    answer = await person.http.get("/v1/credits", headers={"X-Workspace-Id": "mine"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "header:X-Workspace-Id")


async def test_a_key_is_of_one_workspace_whatever_the_header_says(account: Account, neighbour: Account) -> None:
    own, others = encode("ws", account.workspace_id), encode("ws", neighbour.workspace_id)
    assert (await account.live.get("/v1/credits", headers={"X-Workspace-Id": own})).status_code == 200
    answer = await account.live.get("/v1/credits", headers={"X-Workspace-Id": others})
    assert (answer.status_code, answer.json()["code"]) == (404, "workspace_not_found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/me/sessions"), ("POST", "/v1/auth/logout")])
async def test_routes_of_a_user_are_not_for_keys(account: Account, method: str, path: str) -> None:
    answer = await account.live.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_a_members_scopes_are_those_of_the_role(sign_in: SignIn, database: Database) -> None:
    person = await sign_in()
    assert (await person.http.post("/v1/api-keys", json={"name": "mine"})).status_code == 201
    async with database.transaction() as session:
        await session.execute(text("update members set role = 'viewer' where user_id = :id"), {"id": person.user_id})
        changes.tell(session, person.workspace_id)
    async with asyncio.timeout(3):
        while (answer := await person.http.post("/v1/api-keys", json={"name": "mine"})).status_code == 201:
            await asyncio.sleep(0.02)
    assert (answer.status_code, answer.json()["required_scope"]) == (403, "keys:write")
    assert "viewer" in answer.json()["detail"]
    assert (await person.http.get("/v1/credits")).status_code == 200


async def test_old_sessions_are_forgotten(sign_in: SignIn, database: Database) -> None:
    kept, old = await sign_in(), await sign_in()
    async with database.transaction() as session:
        long_ago = clock.now() - service.KEPT - timedelta(minutes=1)
        await session.execute(update(Session).where(Session.id == old.session_id).values(expires_at=long_ago))
    await service.forget_old(database)
    found = await rows(database, "select id from sessions where id in (:a, :b)", a=kept.session_id, b=old.session_id)
    assert [row[0] for row in found] == [kept.session_id]


async def test_without_credentials_nobody_is_signed_in(settings: Settings, server: FastAPI) -> None:
    async with client(settings) as nobody:
        answer = await nobody.get("/v1/me/sessions")
    assert (answer.status_code, answer.json()["code"]) == (401, "missing_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_one_session_is_read_by_its_owner_while_it_is_open(sign_in: SignIn) -> None:
    person, other = await sign_in(), await sign_in()
    listed = (await person.http.get("/v1/me/sessions")).json()["data"]
    path = f"/v1/me/sessions/{person.answer['id']}"
    assert (await person.http.get(path)).json() == next(one for one in listed if one["current"])
    assert (await other.http.get(path)).json()["code"] == "session_not_found"
    again = await sign_in(email=person.email)
    assert (await again.http.delete(path)).status_code == 204
    assert (await again.http.get(path)).json()["code"] == "session_not_found"
