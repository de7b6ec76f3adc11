"""Whoever is thrown out while they make themselves a way back in does not get it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.accounts.audit.models import AuditEntry
from app.accounts.sessions import service as sessions
from app.accounts.users import queries
from app.accounts.users import service as users
from app.core.db import Database
from app.core.ids import decode
from tests.accounts.conftest import People
from tests.accounts.people import make_key, seat
from tests.test_hostile import check
from tests.waiting import until_somebody_waits


@pytest.mark.parametrize(
    ("path", "order"), [("/v1/api-keys", {"name": "back door"}), ("/v1/workspaces", {"name": "hideout"})]
)
async def test_nothing_is_made_by_a_session_that_a_reset_ends_meanwhile(
    people: People, database: Database, path: str, order: dict[str, Any]
) -> None:
    an = await people("an")
    async with database.transaction() as session:
        await queries.lock_user(session, an.user_id)
        making = asyncio.create_task(an.http.post(path, json=order))
        await until_somebody_waits(database)
        await sessions.end_all(session, an.user_id, reason="password_reset")
    check(await making, 401, "session_revoked")
    assert (await _count(database, an.user_id)) == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"status": "suspended"}, "account_suspended"), ({"erase_at": func.now()}, "deletion_scheduled")],
)
async def test_nothing_is_made_by_who_is_locked_out_meanwhile(
    people: People, database: Database, fields: dict[str, Any], code: str
) -> None:
    an = await people("an")
    async with database.transaction() as session:
        user = await queries.lock_user(session, an.user_id)
        making = asyncio.create_task(an.http.post("/v1/api-keys", json={"name": "back door"}))
        await until_somebody_waits(database)
        for name, value in fields.items():
            setattr(user, name, value)
    check(await making, 403, code)
    assert (await _count(database, an.user_id)) == 0


@pytest.mark.parametrize("way", ["make", "rotate", "change"])
async def test_nobody_keeps_a_way_into_a_team_they_are_removed_from_meanwhile(
    people: People, database: Database, way: str
) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    await seat(database, team, binh, "admin")
    key_id, _ = await make_key(database, an, team)
    binh.http.headers["X-Workspace-Id"] = team
    assert (await binh.http.get(f"/v1/api-keys/{key_id}")).status_code == 200
    asking = {
        "make": binh.http.post("/v1/api-keys", json={"name": "back door"}),
        "rotate": binh.http.post(f"/v1/api-keys/{key_id}/rotate", json={}),
        "change": binh.http.patch(f"/v1/api-keys/{key_id}", json={"allowed_ips": None}),
    }
    async with database.transaction() as session:
        await session.execute(text("delete from members where user_id = :id"), {"id": binh.user_id})
        made = asyncio.create_task(asking.pop(way))
        await until_somebody_waits(database)
    check(await made, 404, "workspace_not_found")
    for coroutine in asking.values():
        coroutine.close()
    rows = await database.fetch("select rotated_at from api_keys where workspace_id = $1", decode("ws", team))
    assert [row["rotated_at"] for row in rows] == [None]


async def test_a_demotion_counts_for_who_is_just_rotating_a_key(people: People, database: Database) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    await seat(database, team, binh, "admin")
    key_id, _ = await make_key(database, an, team)
    binh.http.headers["X-Workspace-Id"] = team
    assert (await binh.http.get(f"/v1/api-keys/{key_id}")).status_code == 200
    async with database.transaction() as session:
        await session.execute(text("update members set role = 'viewer' where user_id = :id"), {"id": binh.user_id})
        rotating = asyncio.create_task(binh.http.post(f"/v1/api-keys/{key_id}/rotate", json={}))
        await until_somebody_waits(database)
    check(await rotating, 403, "missing_scope")


async def test_keys_dropped_with_an_account_that_was_not_settled_stand_in_the_audit_log(
    people: People, database: Database
) -> None:
    an, binh = await people("an"), await people("binh")
    team = await binh.make_team()
    key_id, _ = await make_key(database, an, team)
    async with database.transaction() as session:
        await users.drop_before(session, await queries.lock_user(session, an.user_id), reason="password_reset")
    async with database.transaction() as session:
        noted = select(AuditEntry.target_id).where(AuditEntry.action == "api_key.revoked")
        assert decode("key", key_id) in (await session.execute(noted)).scalars().all()
    query = "select 1 from events where type = 'api_key.revoked' and data ->> 'id' = $1"
    assert len(await database.fetch(query, key_id)) == 1


async def _count(database: Database, user_id: Any) -> int:
    """Keys and teams of theirs."""
    rows = await database.fetch(
        "select (select count(*) from api_keys where user_id = $1)"
        " + (select count(*) from members m join workspaces w on w.id = m.workspace_id"
        "    where m.user_id = $1 and w.kind = 'team') as number",
        user_id,
    )
    return int(rows[0]["number"])
