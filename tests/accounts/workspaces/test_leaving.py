"""Members and inviters who were suspended, or whose account is to be deleted."""

from typing import Any

import pytest
from sqlalchemy import func, update

from app.accounts.models import ApiKey, User, WorkspaceRole
from app.accounts.permissions import ROLE_SCOPES
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from tests.accounts.conftest import People
from tests.accounts.people import Person, make_key, seat
from tests.accounts.workspaces.test_invitations import invite, link
from tests.accounts.workspaces.test_members import roles, with_member
from tests.conftest import client
from tests.test_hostile import check

GONE = [{"erase_at": func.now()}, {"status": "suspended"}]


async def change(database: Database, person: Person, **fields: Any) -> None:
    async with database.transaction() as session:
        await session.execute(update(User).where(User.id == person.user_id).values(fields))


async def test_who_is_to_be_deleted_does_not_count_as_an_owner(people: People, database: Database) -> None:
    an, binh, team = await with_member(people, database, "owner")
    await change(database, binh, erase_at=func.now())
    path = f"/v1/workspaces/{team}/members"
    check(await an.http.delete(f"{path}/{an.id}"), 409, "last_owner")
    check(await an.http.patch(f"{path}/{an.id}", json={"role": "admin"}), 409, "last_owner")
    assert (await an.http.patch(f"{path}/{binh.id}", json={"role": "admin"})).status_code == 200
    assert await roles(database, team) == {str(an.user_id): "owner", str(binh.user_id): "admin"}


@pytest.mark.parametrize("role", ["owner", "viewer"])
async def test_nobody_hands_a_team_to_who_is_to_be_deleted(people: People, database: Database, role: str) -> None:
    an, binh, team = await with_member(people, database, role)
    await change(database, binh, erase_at=func.now())
    answer = await an.http.post(f"/v1/workspaces/{team}/transfer", json={"user_id": binh.id})
    check(answer, 409, "member_leaving")
    if role == "viewer":
        promoted = await an.http.patch(f"/v1/workspaces/{team}/members/{binh.id}", json={"role": "owner"})
        check(promoted, 409, "member_leaving")
    assert await roles(database, team) == {str(an.user_id): "owner", str(binh.user_id): role}


@pytest.mark.parametrize("fields", GONE, ids=["to be deleted", "suspended"])
async def test_nobody_comes_in_by_who_may_not_come_in_themselves(
    people: People, settings: Settings, database: Database, fields: dict[str, Any]
) -> None:
    an, binh, team = await with_member(people, database, "admin")
    chi = await people("chi")
    sent = await invite(binh, team, chi.email)
    token = await link(settings, database, chi.email)
    await change(database, binh, **fields)
    check(await chi.http.get(f"/v1/invitations/{token}"), 404, "invitation_not_found")
    check(await chi.http.post(f"/v1/invitations/{token}/accept"), 404, "invitation_not_found")
    again = await an.http.post(f"/v1/workspaces/{team}/invitations/{sent['id']}/resend")
    assert (again.status_code, again.json()["invited_by"]) == (200, an.id)
    assert (await chi.http.post(f"/v1/invitations/{token}/accept")).status_code == 200


async def test_a_seat_that_was_taken_stays_when_the_inviter_goes(
    people: People, settings: Settings, database: Database
) -> None:
    _, binh, team = await with_member(people, database, "admin")
    chi = await people("chi")
    await invite(binh, team, chi.email)
    token = await link(settings, database, chi.email)
    assert (await chi.http.post(f"/v1/invitations/{token}/accept")).status_code == 200
    await change(database, binh, erase_at=func.now())
    assert (await chi.http.post(f"/v1/invitations/{token}/accept")).json()["id"] == team


async def test_a_kept_key_gets_nothing_back_that_its_maker_had_lost(
    people: People, settings: Settings, database: Database
) -> None:
    """Their role bounds it while they are there, and nothing would when they are gone."""
    an, binh, team = await with_member(people, database, "admin")
    key_id, secret = await make_key(database, binh, team)
    path = f"/v1/workspaces/{team}/members/{binh.id}"
    assert (await an.http.patch(path, json={"role": "viewer"})).status_code == 200
    assert (await an.http.delete(path, params={"keep_api_keys": True})).status_code == 204
    async with database.transaction() as session:
        key = await session.get_one(ApiKey, decode("key", key_id))
        assert set(key.scopes) == {scope.value for scope in ROLE_SCOPES[WorkspaceRole.VIEWER]}
    async with client(settings, secret) as kept:
        assert (await kept.get("/v1/credits")).status_code == 200
        check(await kept.post("/v1/api-keys", json={"name": "more"}), 403, "missing_scope")


async def test_a_key_of_who_is_to_be_deleted_changes_no_team(
    people: People, settings: Settings, database: Database
) -> None:
    _, binh, team = await with_member(people, database, "admin")
    chi = await people("chi")
    await seat(database, team, chi, "viewer")
    _, secret = await make_key(database, binh, team)
    await change(database, binh, erase_at=func.now())
    async with client(settings, secret) as key:
        promoted = await key.patch(f"/v1/workspaces/{team}/members/{chi.id}", json={"role": "admin"})
        check(promoted, 403, "deletion_scheduled")
        check(await key.delete(f"/v1/workspaces/{team}/members/{chi.id}"), 403, "deletion_scheduled")
    assert (await roles(database, team))[str(chi.user_id)] == "viewer"
