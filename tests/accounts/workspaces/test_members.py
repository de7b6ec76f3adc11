"""Members over HTTP: their roles, and who may change or remove whom."""

import asyncio

import pytest
from sqlalchemy import select

from app.accounts.models import ApiKey, Member
from app.accounts.workspaces.models import Invitation
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from tests.accounts.conftest import People
from tests.accounts.people import Person, make_key, seat
from tests.accounts.workspaces.test_workspaces import acts
from tests.conftest import client
from tests.test_hostile import check


async def roles(database: Database, team: str) -> dict[str, str]:
    async with database.transaction() as session:
        query = select(Member).where(Member.workspace_id == decode("ws", team))
        return {str(one.user_id): one.role for one in (await session.execute(query)).scalars()}


async def with_member(people: People, database: Database, role: str) -> tuple[Person, Person, str]:
    """An owner, somebody with a role, and their team."""
    an, binh = await people("an"), await people("binh", name="Bình")
    team = await an.make_team()
    await seat(database, team, binh, role)
    return an, binh, team


async def test_members_are_listed_with_their_roles(people: People, database: Database) -> None:
    an, binh, team = await with_member(people, database, "viewer")
    path = f"/v1/workspaces/{team}/members"
    first = (await binh.http.get(path, params={"limit": 1})).json()
    second = (await binh.http.get(path, params={"limit": 1, "cursor": first["next_cursor"]})).json()
    shown = [(one["user_id"], one["email"], one["name"], one["role"]) for one in first["data"] + second["data"]]
    assert shown == [(binh.id, binh.email, "Bình", "viewer"), (an.id, an.email, None, "owner")]
    assert (await binh.http.get(f"{path}/{an.id}")).json() == second["data"][0]


# Who, does what to whom, and how that ends.
CHANGES = [
    ("owner", "viewer", "owner", 200),
    ("owner", "owner", "viewer", 200),
    ("admin", "viewer", "admin", 200),
    ("admin", "admin", "viewer", 200),
    ("admin", "viewer", "owner", "forbidden_role"),
    ("admin", "owner", "admin", "forbidden_role"),
    ("member", "viewer", "member", "missing_scope"),
    ("viewer", "viewer", "admin", "missing_scope"),
]


@pytest.mark.parametrize(("who", "before", "after", "end"), CHANGES)
async def test_admins_manage_everybody_but_owners(
    people: People, database: Database, who: str, before: str, after: str, end: int | str
) -> None:
    _, binh, team = await with_member(people, database, who)
    chi = await people("chi")
    await seat(database, team, chi, before)
    answer = await binh.http.patch(f"/v1/workspaces/{team}/members/{chi.id}", json={"role": after})
    if end == 200:
        assert (answer.status_code, answer.json()["role"], answer.json()["email"]) == (200, after, chi.email)
        assert (await acts(database, team))[-1] == ("member.role_changed", {"from": before, "to": after})
    else:
        check(answer, 403, str(end))
        assert (await roles(database, team))[str(chi.user_id)] == before


async def test_a_role_counts_at_the_next_request(people: People, database: Database) -> None:
    an, binh, team = await with_member(people, database, "viewer")
    here = {"X-Workspace-Id": team}
    check(await binh.http.post("/v1/assets", files={"file": b""}, headers=here), 403, "missing_scope")
    await an.http.patch(f"/v1/workspaces/{team}/members/{binh.id}", json={"role": "member"})
    async with asyncio.timeout(5):
        while (await binh.http.get("/v1/me", headers=here)).json()["workspace"]["role"] != "member":
            await asyncio.sleep(0.02)
        while (await binh.http.post("/v1/assets", files={"file": b""}, headers=here)).status_code == 403:
            await asyncio.sleep(0.02)


async def test_an_unknown_member_is_not_found(people: People, database: Database) -> None:
    an, _, team = await with_member(people, database, "viewer")
    stranger = await people("stranger")
    path = f"/v1/workspaces/{team}/members/{stranger.id}"
    check(await an.http.patch(path, json={"role": "viewer"}), 404, "member_not_found")
    check(await an.http.delete(path), 404, "member_not_found")


@pytest.mark.parametrize(
    ("who", "whom", "end"),
    [
        ("admin", "admin", 204),
        ("admin", "owner", "forbidden_role"),
        ("member", "viewer", "missing_scope"),
        ("owner", "owner", 204),
    ],
)
async def test_who_may_remove_whom(people: People, database: Database, who: str, whom: str, end: int | str) -> None:
    _, binh, team = await with_member(people, database, who)
    chi = await people("chi")
    await seat(database, team, chi, whom)
    answer = await binh.http.delete(f"/v1/workspaces/{team}/members/{chi.id}")
    if end == 204:
        assert answer.status_code == 204
        check(await chi.http.get(f"/v1/workspaces/{team}"), 404, "workspace_not_found")
        assert (await acts(database, team))[-1] == ("member.removed", {"role": whom, "api_keys_revoked": 0})
    else:
        check(answer, 403, str(end))
        assert str(chi.user_id) in await roles(database, team)


@pytest.mark.parametrize("role", ["viewer", "member", "admin", "owner"])
async def test_everybody_may_leave(people: People, database: Database, role: str) -> None:
    _, binh, team = await with_member(people, database, role)
    assert (await binh.http.delete(f"/v1/workspaces/{team}/members/{binh.id}")).status_code == 204
    check(await binh.http.get(f"/v1/workspaces/{team}"), 404, "workspace_not_found")
    assert (await acts(database, team))[-1][0] == "member.left"


async def test_the_last_owner_neither_leaves_nor_steps_down(people: People, database: Database) -> None:
    an, _, team = await with_member(people, database, "admin")
    path = f"/v1/workspaces/{team}/members/{an.id}"
    check(await an.http.delete(path), 409, "last_owner")
    check(await an.http.patch(path, json={"role": "admin"}), 409, "last_owner")
    assert (await an.http.patch(path, json={"role": "owner"})).status_code == 200


@pytest.mark.parametrize("way", ["leave", "demote each other", "demote themselves"])
async def test_of_two_owners_who_go_at_once_one_stays(people: People, database: Database, way: str) -> None:
    an, binh, team = await with_member(people, database, "owner")

    async def go(who: Person, other: Person) -> int:
        path = f"/v1/workspaces/{team}/members"
        match way:
            case "leave":
                return (await who.http.delete(f"{path}/{who.id}")).status_code
            case "demote each other":
                return (await who.http.patch(f"{path}/{other.id}", json={"role": "viewer"})).status_code
        return (await who.http.patch(f"{path}/{who.id}", json={"role": "viewer"})).status_code

    codes = await asyncio.gather(go(an, binh), go(binh, an))
    assert sorted(codes)[0] in (200, 204)
    assert sorted(codes)[1] in (403, 409)
    assert list((await roles(database, team)).values()).count("owner") == 1


async def test_the_keys_of_who_goes_end(people: People, database: Database, settings: Settings) -> None:
    an, binh, team = await with_member(people, database, "admin")
    _, secret = await make_key(database, binh, team)
    async with client(settings, secret) as key:
        assert (await key.get("/v1/credits")).status_code == 200
        assert (await an.http.delete(f"/v1/workspaces/{team}/members/{binh.id}")).status_code == 204
        async with asyncio.timeout(5):
            while (answer := await key.get("/v1/credits")).status_code == 200:
                await asyncio.sleep(0.02)
        check(answer, 401, "invalid_api_key")
    assert (await acts(database, team))[-1] == ("member.removed", {"role": "admin", "api_keys_revoked": 1})


async def test_keys_outlive_their_maker_where_an_admin_says_so(
    people: People, database: Database, settings: Settings
) -> None:
    an, binh, team = await with_member(people, database, "admin")
    key_id, secret = await make_key(database, binh, team)
    path = f"/v1/workspaces/{team}/members/{binh.id}"
    refused = check(await binh.http.delete(path, params={"keep_api_keys": True}), 422, "invalid_request")
    assert refused["errors"][0]["pointer"] == "query:keep_api_keys"
    assert (await an.http.delete(path, params={"keep_api_keys": True})).status_code == 204
    async with database.transaction() as session:
        row = await session.get(ApiKey, decode("key", key_id))
        assert row is not None
        assert row.revoked_at is None
    async with client(settings, secret) as key:
        assert (await key.get("/v1/credits")).status_code == 200
        assert (await key.get(f"/v1/workspaces/{team}")).json()["role"] is None


async def test_a_key_does_no_more_than_its_makers_role_does_now(
    people: People, database: Database, settings: Settings
) -> None:
    an, binh, team = await with_member(people, database, "admin")
    _, secret = await make_key(database, binh, team)
    async with client(settings, secret) as key:
        assert (await key.patch(f"/v1/workspaces/{team}", json={"name": "a"})).status_code == 200
        await an.http.patch(f"/v1/workspaces/{team}/members/{binh.id}", json={"role": "viewer"})
        async with asyncio.timeout(5):
            while (answer := await key.patch(f"/v1/workspaces/{team}", json={"name": "b"})).status_code == 200:
                await asyncio.sleep(0.02)
        check(answer, 403, "missing_scope")


@pytest.mark.parametrize(
    ("change", "left"),
    [("remove", set()), ("demote to member", set()), ("demote to admin", {"admin", "viewer"})],
)
async def test_the_invitations_somebody_can_no_longer_send_end_with_their_role(
    people: People, database: Database, change: str, left: set[str]
) -> None:
    an, binh, team = await with_member(people, database, "owner")
    for role in ("owner", "admin", "viewer"):
        order = {"email": f"{role}-{binh.email}", "role": role}
        assert (await binh.http.post(f"/v1/workspaces/{team}/invitations", json=order)).status_code == 201
    path = f"/v1/workspaces/{team}/members/{binh.id}"
    done = await (
        an.http.delete(path) if change == "remove" else an.http.patch(path, json={"role": change.split()[-1]})
    )
    assert done.is_success
    async with database.transaction() as session:
        query = select(Invitation.role).where(
            Invitation.workspace_id == decode("ws", team), Invitation.revoked_at.is_(None)
        )
        assert set((await session.execute(query)).scalars()) == left
