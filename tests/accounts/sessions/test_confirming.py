"""A fresh proof that it is the user: what wants one, and how it is given."""

import json
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text, update

from app.accounts import changes
from app.accounts.sessions.models import Session
from app.core import clock, tokens
from app.core.db import Database
from app.core.settings import Settings
from tests.accounts.sessions.conftest import Person, SignIn
from tests.accounts.signing_in.conftest import member, person, someone
from tests.accounts.signing_in.people import Person as Member
from tests.conftest import Account, client

__all__ = ["member", "person", "someone"]  # fixtures


async def wants_confirmation(http: httpx.AsyncClient) -> bool:
    """Of a route that does: what it is sent is wrong, and said to be only to those who confirmed."""
    answer = await http.post("/v1/me/identities", json={"token": "a.b.c"})
    assert (answer.status_code, answer.json()["code"]) in ((403, "confirmation_required"), (422, "invalid_request"))
    return answer.status_code == 403


async def link_of(database: Database, settings: Settings, person: Person) -> str:
    query = text("select token_id from mails where to_address = :email and kind = 'confirm' order by id desc limit 1")
    async with database.transaction() as session:
        found = (await session.execute(query, {"email": person.email})).scalar_one()
    return tokens.make(settings, found)


async def ask_for_link(person: Person) -> None:
    answer = await person.http.post("/v1/auth/confirm", json={})
    assert (answer.status_code, answer.json()["status"]) == (200, "mail_sent")


async def test_the_mail_tells_which_device_asks(member: Member, settings: Settings, database: Database) -> None:
    """Whoever stole a session has the link sent to its owner, who has to see that it was not they."""
    await database.fetch("update users set password_hash = null where email = $1", member.email)
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    async with client(settings, member.tokens["access_token"]) as http:
        asked = await http.post("/v1/auth/confirm", json={}, headers={"User-Agent": agent})
    assert asked.json()["status"] == "mail_sent"
    (mail,) = await database.fetch("select facts from mails where to_address = $1 and kind = 'confirm'", member.email)
    assert json.loads(mail["facts"]) == {"ip": "127.0.0.1", "user_agent": "Firefox on Windows"}


async def grow_old(database: Database, session_id: object, minutes: float) -> None:
    async with database.transaction() as session:
        values = {"confirmed_at": clock.now() - timedelta(minutes=minutes)}
        query = update(Session).where(Session.id == session_id).values(values).returning(Session.id)
        changes.tell(session, (await session.execute(query)).scalar_one())


async def test_who_gave_the_password_just_now_is_confirmed_for_ten_minutes(sign_in: SignIn, database: Database) -> None:
    person = await sign_in(confirmed=True)
    assert not await wants_confirmation(person.http)
    await grow_old(database, person.session_id, 9.9)
    assert not await wants_confirmation(person.http)
    await grow_old(database, person.session_id, 10.1)
    while not await wants_confirmation(person.http):
        pass


async def test_the_password_confirms(member: Member, settings: Settings, database: Database) -> None:
    async with client(settings, member.tokens["access_token"]) as http:
        assert not await wants_confirmation(http), "signing in with it does"
        async with database.transaction() as session:
            await session.execute(text("update sessions set confirmed_at = null"))
            await session.flush()
            changes.tell_all(session)
        while not await wants_confirmation(http):
            pass
        wrong = await member.post("confirm", signed_in=True, password="not this one")
        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
        assert await wants_confirmation(http)
        right = await member.post("confirm", signed_in=True, password=member.password)
        assert (right.status_code, right.json()["status"]) == (200, "confirmed")
        assert not await wants_confirmation(http)


async def test_guessing_it_is_locked_out_as_signing_in_is(member: Member, settings: Settings) -> None:
    for _ in range(settings.auth.lock_failures):
        assert (await member.post("confirm", signed_in=True, password="not this one")).status_code == 403
    answer = await member.post("confirm", signed_in=True, password=member.password)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 0


async def test_who_has_a_password_gets_no_link(member: Member) -> None:
    answer = await member.post("confirm", signed_in=True)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/password")


async def test_without_a_password_a_link_confirms_the_session_that_asked(
    sign_in: SignIn, database: Database, settings: Settings
) -> None:
    person = await sign_in()
    other = await sign_in(person.email)
    assert await wants_confirmation(person.http)
    await ask_for_link(person)
    token = await link_of(database, settings, person)
    async with client(settings) as anywhere:
        answer = await anywhere.post("/v1/auth/confirm", json={"token": token})
        assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
        again = await anywhere.post("/v1/auth/confirm", json={"token": token})
        assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/token")
    assert not await wants_confirmation(person.http)
    assert await wants_confirmation(other.http)


async def test_a_link_does_not_bring_back_a_session_that_ended(
    sign_in: SignIn, database: Database, settings: Settings
) -> None:
    person = await sign_in()
    await ask_for_link(person)
    await person.http.post("/v1/auth/logout")
    async with client(settings) as anywhere:
        answer = await anywhere.post("/v1/auth/confirm", json={"token": await link_of(database, settings, person)})
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")


async def test_a_password_where_there_is_none_is_told(sign_in: SignIn) -> None:
    person = await sign_in()
    answer = await person.http.post("/v1/auth/confirm", json={"password": "whatever it may be"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/password")


async def test_a_browser_confirms_with_its_csrf_token(sign_in: SignIn) -> None:
    person = await sign_in(cookies=True)
    person.http.headers.pop("Authorization", None)
    answer = await person.http.post("/v1/auth/confirm", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")


@pytest.mark.parametrize("body", [{}, {"password": "x"}])
async def test_neither_keys_nor_nobody_can_confirm(account: Account, settings: Settings, body: dict[str, str]) -> None:
    answer = await account.live.post("/v1/auth/confirm", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")
    async with client(settings) as nobody:
        answer = await nobody.post("/v1/auth/confirm", json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "missing_credentials")


async def test_it_is_in_the_audit_log(sign_in: SignIn, database: Database, settings: Settings) -> None:
    person = await sign_in()
    await ask_for_link(person)
    async with client(settings) as anywhere:
        await anywhere.post("/v1/auth/confirm", json={"token": await link_of(database, settings, person)})
    async with database.transaction() as session:
        query = text("select count(*) from audit_entries where action = 'session.confirmed' and target_id = :id")
        assert (await session.execute(query, {"id": person.session_id})).scalar_one() == 1
