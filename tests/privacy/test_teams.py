"""Whose account is erased leaves their teams, whatever happens there at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.accounts.audit import service as audit
from app.assets.tools import AssetTools
from app.core import tokens
from app.core.db import Database
from app.core.ids import decode, encode
from app.core.settings import Settings
from app.privacy.erasure import service as erasure
from tests.accounts.people import Person, make_person
from tests.accounts.signed_in import let_due, make_team, user_of
from tests.conftest import Account
from tests.waiting import until_somebody_waits


@pytest.fixture
async def guest(settings: Settings, database: Database) -> AsyncIterator[Person]:
    """Somebody who is invited."""
    made = await make_person(settings, database, "guest")
    yield made
    await made.http.aclose()


async def _invite(settings: Settings, person: httpx.AsyncClient, team: UUID, guest: Person) -> str:
    """The token of the mail's link."""
    path = f"/v1/workspaces/{encode('ws', team)}/invitations"
    answer = await person.post(path, json={"email": guest.email, "role": "member"})
    assert answer.status_code == 201, answer.text
    return tokens.make(settings, decode("inv", answer.json()["id"]))


async def _due(database: Database, account: Account, person: httpx.AsyncClient) -> UUID:
    assert (await person.request("DELETE", "/v1/me", json={"confirm": account.email})).status_code == 202
    user_id = await user_of(database, account)
    await let_due(database, user_id)
    return user_id


async def test_a_team_whose_last_other_member_is_just_leaving_goes_along(
    account: Account,
    neighbour: Account,
    person: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    tools: AssetTools,
) -> None:
    me, other = await user_of(database, account), await user_of(database, neighbour)
    team = await make_team(database, "Lacquer", owner=me, owner2=other)
    await _due(database, account, person)
    async with database.transaction() as session:
        await session.execute(text("select 1 from workspaces where id = :id for no key update"), {"id": team})
        leaving = "delete from members where workspace_id = :id and user_id = :user"
        await session.execute(text(leaving), {"id": team, "user": other})
        erasing = asyncio.create_task(erasure.erase_due(database, settings, tools, only=me))
        await until_somebody_waits(database)
    assert await erasing == 1
    row = await database.fetchrow("select name, deleted_at from workspaces where id = $1", team)
    assert row
    assert (row["name"], row["deleted_at"] is not None) == ("erased", True)


async def test_nobody_joins_a_team_that_goes_along(
    account: Account,
    neighbour: Account,
    person: httpx.AsyncClient,
    guest: Person,
    settings: Settings,
    database: Database,
    tools: AssetTools,
) -> None:
    """They come while it begins: it has its locks, and waits for the end of a chain to write to."""
    me, other = await user_of(database, account), await user_of(database, neighbour)
    alone = await make_team(database, "Alone", owner=me)
    shared = await make_team(database, "Lacquer", owner=other, member=me)
    token = await _invite(settings, person, alone, guest)
    await _due(database, account, person)
    async with database.transaction() as session:
        audit.record(session, audit.SYSTEM, "thing.done", workspace_id=shared)
    async with database.transaction() as session:
        await audit.queries.lock_chain(session, shared)
        erasing = asyncio.create_task(erasure.erase_due(database, settings, tools, only=me))
        await until_somebody_waits(database)
        accepting = asyncio.create_task(guest.http.post(f"/v1/invitations/{token}/accept"))
        await until_somebody_waits(database, number=2, unless=accepting)
    answer = await accepting
    assert (answer.status_code, answer.json()["code"]) == (404, "invitation_not_found")
    assert await erasing == 1
    members = await database.fetch("select user_id from members where workspace_id = $1", alone)
    assert [row["user_id"] for row in members] == [me]


async def test_an_invitation_they_sent_opens_nothing_any_more(
    account: Account,
    neighbour: Account,
    person: httpx.AsyncClient,
    guest: Person,
    settings: Settings,
    database: Database,
    tools: AssetTools,
) -> None:
    me, other = await user_of(database, account), await user_of(database, neighbour)
    team = await make_team(database, "Lacquer", owner=other, admin=me)
    token = await _invite(settings, person, team, guest)
    await _due(database, account, person)
    assert await erasure.erase_due(database, settings, tools, only=me) == 1
    answer = await guest.http.post(f"/v1/invitations/{token}/accept")
    assert (answer.status_code, answer.json()["code"]) == (404, "invitation_not_found")


async def test_who_was_just_joining_a_team_is_not_in_it_in_the_end(
    account: Account,
    neighbour: Account,
    person: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    tools: AssetTools,
) -> None:
    me, other = await user_of(database, account), await user_of(database, neighbour)
    team = await make_team(database, "Lacquer", owner=other)
    await _due(database, account, person)
    assert await erasure.erase_due(database, settings, tools, only=me) == 1
    await database.fetch("insert into members values ($1, $2, 'member', now())", team, me)
    await let_due(database, me, settled=True)
    assert await erasure.erase_due(database, settings, tools, only=me) == 1
    members = await database.fetch("select user_id from members where workspace_id = $1", team)
    assert [row["user_id"] for row in members] == [other]


@pytest.mark.parametrize("role", ["viewer", "admin", "owner"])
async def test_nobody_becomes_an_owner_where_one_stays_though_suspended(
    account: Account,
    neighbour: Account,
    guest: Person,
    person: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    role: str,
    tools: AssetTools,
) -> None:
    """Or an admin would get the team by the end of an account of their own."""
    owner, me = await user_of(database, neighbour), await user_of(database, account)
    members = {"owner": owner, f"{role}2": me, "admin": guest.user_id}
    team = await make_team(database, "Lacquer", **members)
    await _due(database, account, person)
    await database.fetch("update users set status = 'suspended' where id = $1", owner)
    assert await erasure.erase_due(database, settings, tools, only=me) == 1
    roles = await database.fetch("select user_id, role from members where workspace_id = $1", team)
    assert {row["user_id"]: row["role"] for row in roles} == {owner: "owner", guest.user_id: "admin"}
    await database.fetch("update users set status = 'active' where id = $1", owner)
