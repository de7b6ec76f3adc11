"""Workspaces over HTTP: made, read, renamed, handed over, deleted."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text, update

from app.accounts.audit.models import AuditDetails, AuditEntry
from app.accounts.models import User, Workspace
from app.core.db import Database
from app.core.ids import decode, encode
from app.core.settings import Settings
from tests.accounts.conftest import People
from tests.accounts.people import Person, make_key, seat
from tests.conftest import PHOTOS, client
from tests.test_hostile import check


async def acts(database: Database, team: str) -> list[tuple[str, dict[str, Any]]]:
    """What the audit log says of a workspace, oldest first."""
    query = select(AuditEntry.action, AuditDetails.data).join(AuditDetails, AuditDetails.entry_id == AuditEntry.id)
    query = query.where(AuditEntry.workspace_id == decode("ws", team)).order_by(AuditEntry.number)
    async with database.transaction() as session:
        return [(row.action, row.data) for row in await session.execute(query)]


async def test_everybody_has_a_personal_workspace(people: People) -> None:
    an = await people("an")
    shown = (await an.http.get("/v1/workspaces")).json()["data"]
    assert [(one["id"], one["kind"], one["role"]) for one in shown] == [
        (encode("ws", an.workspace_id), "personal", "owner")
    ]


async def test_a_team_is_made_read_and_renamed_by_its_owner(people: People, database: Database) -> None:
    an = await people("an")
    made = await an.http.post("/v1/workspaces", json={"name": "  Northwind "})
    assert (made.status_code, made.json()["name"], made.json()["role"]) == (201, "Northwind", "owner")
    assert (await an.http.get(made.headers["location"])).json() == made.json()
    renamed = await an.http.patch(made.headers["location"], json={"name": "Southwind"})
    assert renamed.json() == made.json() | {"name": "Southwind"}
    assert await acts(database, made.json()["id"]) == [
        ("workspace.created", {"name": "Northwind"}),
        ("workspace.renamed", {"name": "Southwind"}),
    ]


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\u202eb", "x" * 101, None, 7])
async def test_a_name_is_one_line_that_can_be_shown(people: People, name: Any) -> None:
    answer = await (await people()).http.post("/v1/workspaces", json={"name": name})
    assert check(answer, 422, "invalid_request")["errors"][0]["pointer"] == "/name"


async def test_workspaces_are_listed_in_pages(people: People) -> None:
    an = await people("an")
    teams = [await an.make_team(f"team {number}") for number in range(3)]
    first = (await an.http.get("/v1/workspaces", params={"limit": 2})).json()
    second = (await an.http.get("/v1/workspaces", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["data"] + second["data"]] == [*reversed(teams), encode("ws", an.workspace_id)]
    assert second["next_cursor"] is None


async def test_nobody_owns_more_teams_than_the_limit_says(
    people: People, server: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = settings.model_copy(update={"auth": settings.auth.model_copy(update={"owned_teams": 2})})
    monkeypatch.setitem(server.state._state, "settings", fewer)
    an, binh = await people("an"), await people("binh")
    answers = await asyncio.gather(*(an.http.post("/v1/workspaces", json={"name": "t"}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert check(refused, 409, "too_many_teams")["limit"] == 2
    team = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert (await an.http.delete(f"/v1/workspaces/{team}")).status_code == 204
    await an.make_team()
    await binh.make_team()


async def test_others_workspaces_are_not_there(people: People) -> None:
    an, binh = await people("an"), await people("binh")
    path = f"/v1/workspaces/{await an.make_team()}"
    for answer in (
        await binh.http.get(path),
        await binh.http.patch(path, json={"name": "mine"}),
        await binh.http.delete(path),
        await binh.http.get(f"{path}/members"),
        await binh.http.post(f"{path}/transfer", json={"user_id": binh.id}),
    ):
        check(answer, 404, "workspace_not_found")


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("member", 403), ("admin", 200), ("owner", 200)])
async def test_admins_rename_a_workspace_and_members_read_it(
    people: People, database: Database, role: str, status: int
) -> None:
    an, binh = await people("an"), await people("binh")
    path = f"/v1/workspaces/{(team := await an.make_team())}"
    await seat(database, team, binh, role)
    assert (await binh.http.get(path)).json()["role"] == role
    assert (await binh.http.patch(path, json={"name": "new"})).status_code == status


# --- API keys


@pytest.fixture
async def keyed(people: People, settings: Settings, database: Database) -> tuple[Person, str, httpx.AsyncClient]:
    """An owner, their team, and a client with a key of it that may do everything."""
    an = await people("an")
    team = await an.make_team()
    _, secret = await make_key(database, an, team)
    return an, team, client(settings, secret)


async def test_a_key_is_in_its_own_workspace_alone(keyed: tuple[Person, str, httpx.AsyncClient]) -> None:
    an, team, key = keyed
    async with key:
        assert [one["id"] for one in (await key.get("/v1/workspaces")).json()["data"]] == [team]
        assert (await key.get(f"/v1/workspaces/{team}")).status_code == 200
        check(await key.get(f"/v1/workspaces/{encode('ws', an.workspace_id)}"), 404, "workspace_not_found")
        assert (await key.patch(f"/v1/workspaces/{team}", json={"name": "new"})).status_code == 200


async def test_what_takes_an_owner_takes_somebody_who_is_signed_in(
    keyed: tuple[Person, str, httpx.AsyncClient], people: People, database: Database
) -> None:
    _, team, key = keyed
    binh = await people("binh")
    await seat(database, team, binh, "owner")
    async with key:
        check(await key.post("/v1/workspaces", json={"name": "more"}), 403, "session_required")
        check(await key.delete(f"/v1/workspaces/{team}"), 403, "session_required")
        check(await key.post(f"/v1/workspaces/{team}/transfer", json={"user_id": binh.id}), 403, "session_required")
        path = f"/v1/workspaces/{team}/members/{binh.id}"
        check(await key.patch(path, json={"role": "viewer"}), 403, "forbidden_role")
        check(await key.delete(path), 403, "forbidden_role")


async def test_a_test_key_reads_the_workspace_and_nobody_in_it(
    keyed: tuple[Person, str, httpx.AsyncClient], settings: Settings, database: Database
) -> None:
    an, team, key = keyed
    await key.aclose()
    _, secret = await make_key(database, an, team, mode="test")
    async with client(settings, secret) as test_key:
        path = f"/v1/workspaces/{team}"
        assert (await test_key.get(path)).status_code == 200
        check(await test_key.patch(path, json={"name": "new"}), 403, "live_key_required")
        check(await test_key.get(f"{path}/members"), 403, "live_key_required")
        check(await test_key.get(f"{path}/invitations"), 403, "live_key_required")


# --- handing over, deleting


async def test_a_team_is_handed_over_to_a_member(people: People, database: Database) -> None:
    an, binh, chi = await people("an"), await people("binh"), await people("chi")
    team = await an.make_team()
    await seat(database, team, binh, "viewer")
    path = f"/v1/workspaces/{team}/transfer"
    check(await an.http.post(path, json={"user_id": chi.id}), 404, "member_not_found")
    itself = check(await an.http.post(path, json={"user_id": an.id}), 422, "invalid_request")
    assert itself["errors"][0]["pointer"] == "/user_id"
    done = await an.http.post(path, json={"user_id": binh.id})
    assert (done.status_code, done.json()["role"]) == (200, "admin")
    assert (await binh.http.get(f"/v1/workspaces/{team}")).json()["role"] == "owner"
    check(await an.http.post(path, json={"user_id": binh.id}), 403, "forbidden_role")
    assert (await acts(database, team))[-1] == ("workspace.transferred", {"from": an.id})


async def test_a_personal_workspace_is_neither_handed_over_nor_deleted_nor_shared(people: People) -> None:
    an, binh = await people("an"), await people("binh")
    path = f"/v1/workspaces/{encode('ws', an.workspace_id)}"
    for answer in (
        await an.http.delete(path),
        await an.http.post(f"{path}/transfer", json={"user_id": binh.id}),
        await an.http.post(f"{path}/invitations", json={"email": binh.email}),
        await an.http.delete(f"{path}/members/{an.id}"),
        await an.http.patch(f"{path}/members/{an.id}", json={"role": "viewer"}),
    ):
        check(answer, 409, "personal_workspace")


async def test_a_deleted_team_is_gone_for_all_and_its_keys_open_nothing(
    keyed: tuple[Person, str, httpx.AsyncClient], people: People, database: Database
) -> None:
    an, team, key = keyed
    binh = await people("binh")
    await seat(database, team, binh, "admin")
    path = f"/v1/workspaces/{team}"
    async with key:
        assert (await key.get("/v1/credits")).status_code == 200
        check(await binh.http.delete(path), 403, "forbidden_role")
        assert (await an.http.delete(path)).status_code == 204
        async with asyncio.timeout(5):
            while (answer := await key.get("/v1/credits")).status_code == 200:
                await asyncio.sleep(0.02)
        check(answer, 401, "invalid_api_key")
    for person in (an, binh):
        check(await person.http.get(path), 404, "workspace_not_found")
        assert team not in (await person.http.get("/v1/workspaces")).text
    async with database.transaction() as session:
        assert (await session.execute(select(Workspace.name).where(Workspace.id == decode("ws", team)))).one()


async def test_a_team_with_an_open_task_is_not_deleted(
    keyed: tuple[Person, str, httpx.AsyncClient], database: Database
) -> None:
    an, team, key = keyed
    async with database.transaction() as session:
        grant = "select ledger_grant(:team, 'live', 'grant', 5000000, 'test', 'test:' || :team)"
        await session.execute(text("select ledger_open(:team, 'live', 0, '')"), {"team": decode("ws", team)})
        await session.execute(text(grant.replace(":team", f"'{decode('ws', team)}'::uuid")))
    async with key:
        upload = {"file": ("a.jpg", _photo())}
        asset = (await key.post("/v1/assets", files=upload)).json()["id"]
        order = {"operation": "transform_image", "input": {"image": asset, "width": 8}}
        task = (await key.post("/v1/tasks", json=order)).json()
        check(await an.http.delete(f"/v1/workspaces/{team}"), 409, "workspace_busy")
        assert (await key.post(f"/v1/tasks/{task['id']}/cancel")).json()["status"] == "canceled"
    assert (await an.http.delete(f"/v1/workspaces/{team}")).status_code == 204


def _photo() -> bytes:
    return (PHOTOS / "coffee.jpg").read_bytes()


# --- credits


async def test_teams_get_test_credits_and_no_welcome_credits(
    keyed: tuple[Person, str, httpx.AsyncClient], settings: Settings, database: Database
) -> None:
    an, team, key = keyed
    _, secret = await make_key(database, an, team, mode="test")
    async with key, client(settings, secret) as test_key:
        assert (await key.get("/v1/credits")).json()["balance"] == 0
        assert (await test_key.get("/v1/credits")).json()["balance"] == 1000
    assert (await an.http.get("/v1/credits")).json()["balance"] == 10


@pytest.mark.parametrize("kind", ["task", "batch"])
async def test_an_order_does_not_open_the_account_of_a_team_with_credits(
    keyed: tuple[Person, str, httpx.AsyncClient], kind: str
) -> None:
    _, _, key = keyed
    async with key:
        asset = (await key.post("/v1/assets", files={"file": ("a.jpg", _photo())})).json()["id"]
        order: dict[str, Any] = {"operation": "remove_background", "input": {"image": asset}}
        if kind == "batch":
            order = {"operation": "remove_background", "items": [{"input": {"image": asset}}]}
        answer = await key.post("/v1/tasks" if kind == "task" else "/v1/batches", json=order)
        assert check(answer, 402, "insufficient_credits")["balance"] == 0
        assert (await key.get("/v1/credits")).json()["total_earned"] == 0


async def test_a_team_has_a_queue_of_its_own_by_its_plan(
    keyed: tuple[Person, str, httpx.AsyncClient], settings: Settings, database: Database
) -> None:
    """The triggers that count what waits know teams too."""
    an, team, live_key = keyed
    await live_key.aclose()
    where = {"team": decode("ws", team)}
    _, secret = await make_key(database, an, team, mode="test")
    async with client(settings, secret) as key:
        asset = (await key.post("/v1/assets", files={"file": ("a.jpg", _photo())})).json()["id"]
        order = {"operation": "transform_image", "input": {"image": asset, "width": 8}}
        task = (await key.post("/v1/tasks", json=order)).json()
        query = "select queued, slots, room from task_queues where workspace_id = :team"
        async with database.transaction() as session:
            plan = (
                await session.execute(text("select running_tasks, queued_tasks from plans where name = 'free'"))
            ).one()
            queue = (await session.execute(text(query), where)).one()
        assert tuple(queue) == (1, *plan)
        await key.post(f"/v1/tasks/{task['id']}/cancel")


async def test_a_suspended_owner_is_not_let_in(people: People, database: Database) -> None:
    an = await people("an")
    async with database.transaction() as session:
        await session.execute(update(User).where(User.id == an.user_id).values(status="suspended"))
    check(await an.http.get("/v1/workspaces"), 403, "account_suspended")
