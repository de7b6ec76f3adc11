"""Refresh tokens: each is changed once for the next; one that comes again was copied."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from app.accounts.sessions import tokens
from app.accounts.sessions.models import Session
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from tests.accounts.sessions.conftest import Person, SignIn


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token}, headers={"Authorization": ""})


async def refreshed(person: Person, token: str | None = None) -> str:
    """The next token."""
    answer = await refresh(person.http, token or person.refresh_token)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


async def age(database: Database, person: Person, seconds: float) -> None:
    """The last refresh was so long ago."""
    async with database.transaction() as session:
        values = {"rotated_at": clock.now() - timedelta(seconds=seconds)}
        await session.execute(update(Session).where(Session.id == person.session_id).values(values))


async def test_a_refresh_gives_new_tokens_of_the_same_session(sign_in: SignIn, settings: Settings) -> None:
    person = await sign_in()
    answer = (await refresh(person.http, person.refresh_token)).json()
    assert answer["id"] == person.answer["id"]
    assert answer["refresh_token"] != person.refresh_token
    assert answer["session_expires_at"] == person.answer["session_expires_at"], "a refresh does not make it last longer"
    person.http.headers["Authorization"] = f"Bearer {answer['access_token']}"
    assert (await person.http.get("/v1/credits")).status_code == 200


async def test_two_tabs_that_refresh_at_once_get_the_same_next_token(sign_in: SignIn) -> None:
    person = await sign_in()
    found = await asyncio.gather(*(refreshed(person) for _ in range(8)))
    assert len(set(found)) == 1
    assert await refreshed(person, found[0]) not in (found[0], person.refresh_token)


async def test_two_processes_agree_on_the_next_token(sign_in: SignIn, second_url: str) -> None:
    person = await sign_in()
    async with httpx.AsyncClient(base_url=second_url) as elsewhere:
        one, other = await asyncio.gather(
            refresh(person.http, person.refresh_token), refresh(elsewhere, person.refresh_token)
        )
    assert one.json()["refresh_token"] == other.json()["refresh_token"]


async def test_an_answer_that_was_lost_can_be_had_again_for_half_a_minute(sign_in: SignIn, database: Database) -> None:
    person = await sign_in()
    following = await refreshed(person)
    await age(database, person, 25)
    assert await refreshed(person) == following


@pytest.mark.parametrize(("refreshes", "seconds"), [(1, 31), (2, 0), (3, 100)])
async def test_a_token_that_comes_again_ends_the_session(
    sign_in: SignIn, database: Database, refreshes: int, seconds: float
) -> None:
    """Too late, or after its successor was used: whoever sends it is not the one who went on."""
    person = await sign_in()
    latest = person.refresh_token
    for _ in range(refreshes):
        latest = await refreshed(person, latest)
    await age(database, person, seconds)
    answer = await refresh(person.http, person.refresh_token)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")
    assert answer.headers["www-authenticate"] == "Bearer"
    for token in (latest, person.refresh_token):
        assert (await refresh(person.http, token)).json()["code"] == "session_revoked"
    async with asyncio.timeout(3):
        while (await person.http.get("/v1/credits")).status_code == 200:
            await asyncio.sleep(0.02)
    async with database.transaction() as session:
        query = text(
            "select d.data from audit_entries e join audit_details d on d.entry_id = e.id"
            " where e.target_id = :id and e.action = 'session.ended'"
        )
        noted = (await session.execute(query, {"id": person.session_id})).scalars().all()
    assert noted == [{"reason": "refresh_token_reused"}]


async def test_the_other_sessions_of_the_user_go_on(sign_in: SignIn, database: Database) -> None:
    stolen = await sign_in()
    other = await sign_in(stolen.email)
    await refreshed(stolen)
    await age(database, stolen, 60)
    await refresh(stolen.http, stolen.refresh_token)
    assert (await other.http.get("/v1/credits")).status_code == 200
    await refreshed(other)


def _broken(settings: Settings, person: Person) -> list[Any]:
    real = person.refresh_token
    nonce = bytes(16)
    return [
        "",
        "bkr_",
        "nonsense",
        real[:-1],
        real[:-1] + ("A" if real[-1] != "A" else "B"),
        real.replace("bkr_", "bkc_"),
        "bkr_" + "é" * 64,
        "bkr_" + 64 * "0",
        tokens.refresh_token(settings, new_id(), nonce, 0),
        tokens.refresh_token(settings, person.session_id, nonce, 0),
        tokens.refresh_token(settings, person.session_id, nonce, 7),
        person.answer["access_token"][:200],
    ]


async def test_what_we_did_not_make_refreshes_nothing(sign_in: SignIn, settings: Settings) -> None:
    person = await sign_in()
    for broken in _broken(settings, person):
        answer = await refresh(person.http, broken)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token"), broken
    await refreshed(person)


async def test_a_token_that_is_far_too_long_is_not_read(sign_in: SignIn) -> None:
    person = await sign_in()
    answer = await refresh(person.http, "bkr_" + 1000 * "0")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/refresh_token")


async def test_a_session_with_cookies_has_no_refresh_token(sign_in: SignIn, settings: Settings) -> None:
    person = await sign_in(cookies=True)
    assert person.answer["refresh_token"] is None
    cookie = person.http.headers["Cookie"].partition("backlot_session=")[2].partition(";")[0]
    answer = await refresh(person.http, cookie.replace("bkc_", "bkr_"))
    assert answer.json()["code"] == "invalid_refresh_token"


async def test_after_a_return_to_an_earlier_database_the_newest_token_is_good(
    sign_in: SignIn, database: Database
) -> None:
    person = await sign_in()
    latest = await refreshed(person, await refreshed(person))
    async with database.transaction() as session:
        await session.execute(update(Session).where(Session.id == person.session_id).values(generation=0))
    following = await refreshed(person, latest)
    assert await refreshed(person, following) != following
