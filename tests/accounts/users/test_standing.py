"""Whoever is thrown out while they make themselves a way back in does not get it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from app.accounts.audit.models import AuditEntry
from app.accounts.models import ApiKey, User
from app.accounts.sessions import service as sessions
from app.accounts.users import queries
from app.accounts.users import service as users
from app.core.db import Database
from app.core.ids import decode
from tests.accounts.conftest import People
from tests.accounts.people import make_key
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


async def test_an_admin_gets_no_account_that_nobody_settled(people: People, database: Database) -> None:
    """Somebody signed up with the address, and its owner opened the link without a password."""
    an = await people("an", settled_at=None, password_hash="a stranger's")
    await make_key(database, an, await an.make_team())
    async with database.transaction() as session:
        user, _ = await users.vouch(session, an.email, is_admin=True)
        assert (user.role, user.password_hash) == ("admin", None)
        assert user.settled_at is not None
    check(await an.http.get("/v1/me"), 401, "session_revoked")
    async with database.transaction() as session:
        good = select(func.count()).where(ApiKey.user_id == an.user_id, ApiKey.revoked_at.is_(None))
        assert (await session.execute(good)).scalar_one() == 0
        (await session.get_one(User, an.user_id)).role = "user"


async def _count(database: Database, user_id: Any) -> int:
    """Keys and teams of theirs."""
    rows = await database.fetch(
        "select (select count(*) from api_keys where user_id = $1)"
        " + (select count(*) from members m join workspaces w on w.id = m.workspace_id"
        "    where m.user_id = $1 and w.kind = 'team') as number",
        user_id,
    )
    return int(rows[0]["number"])
