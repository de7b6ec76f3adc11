"""What users see and change of themselves."""

import json
from typing import Any

import pytest

from app.core.db import Database
from app.core.ids import encode
from app.core.settings import Settings
from tests.accounts.conftest import People
from tests.accounts.people import make_key, seat
from tests.conftest import client
from tests.test_hostile import check


async def test_a_user_sees_themselves_and_their_workspaces(people: People, database: Database) -> None:
    an, binh = await people("an", name="An", locale="vi"), await people("binh")
    team = await an.make_team("Northwind")
    await seat(database, team, binh, "viewer")
    seen = (await binh.http.get("/v1/me", headers={"X-Workspace-Id": team})).json()
    assert (seen["id"], seen["email"], seen["has_password"], seen["role"]) == (binh.id, binh.email, False, "user")
    assert seen["email_verified_at"] is not None
    here = {"id": team, "name": "Northwind", "kind": "team", "role": "viewer"}
    own = {"id": encode("ws", binh.workspace_id), "name": binh.email, "kind": "personal", "role": "owner"}
    assert (seen["workspace"], seen["workspaces"], seen["api_key"]) == (here, [own, here], None)
    assert (await binh.http.get("/v1/me")).json()["workspace"] == own


async def test_a_key_sees_itself_and_its_own_workspace_alone(
    people: People, settings: Settings, database: Database
) -> None:
    an = await people("an")
    team = await an.make_team()
    key_id, secret = await make_key(database, an, team)
    async with client(settings, secret) as key:
        seen = (await key.get("/v1/me")).json()
        assert (seen["id"], seen["api_key"]["id"], seen["workspace"]["id"]) == (an.id, key_id, team)
        assert [one["id"] for one in seen["workspaces"]] == [team]
        assert "secret" not in seen["api_key"]
        check(await key.patch("/v1/me", json={"name": "x"}), 403, "session_required")
        check(await key.get("/v1/me/preferences"), 403, "session_required")
        check(await key.put("/v1/me/preferences", json={}), 403, "session_required")


async def test_what_has_not_changed_is_not_sent_again(people: People) -> None:
    an = await people("an")
    for path in ("/v1/me", "/v1/me/preferences", f"/v1/workspaces/{encode('ws', an.workspace_id)}"):
        first = await an.http.get(path)
        again = await an.http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code) == (200, 304)


async def test_name_and_language_are_changed_one_by_one(people: People) -> None:
    an = await people("an")
    assert (await an.http.patch("/v1/me", json={"name": " An Nguyễn "})).json()["name"] == "An Nguyễn"
    assert (await an.http.patch("/v1/me", json={"locale": "vi"})).json()["locale"] == "vi"
    seen = (await an.http.get("/v1/me")).json()
    assert (seen["name"], seen["locale"]) == ("An Nguyễn", "vi")
    assert (await an.http.patch("/v1/me", json={"name": None})).json()["name"] is None
    assert (await an.http.patch("/v1/me", json={})).json()["locale"] == "vi"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "a\nb"}, "/name"),
        ({"name": "a\x00"}, "/name"),
        ({"locale": "fr"}, "/locale"),
        ({"locale": None}, "/locale"),
        ({"email": "other@example.com"}, "/email"),
        ({"role": "admin"}, "/role"),
    ],
)
async def test_nothing_else_of_a_user_is_changed_here(people: People, body: dict[str, Any], pointer: str) -> None:
    answer = await (await people()).http.patch("/v1/me", json=body)
    assert check(answer, 422, "invalid_request")["errors"][0]["pointer"] == pointer


async def test_preferences_are_kept_whole_and_replaced_whole(people: People) -> None:
    an = await people("an")
    assert (await an.http.get("/v1/me/preferences")).json() == {}
    first = {"theme": "dark", "recent": [1, 2.5, True, None, {"a": "ă 🐑"}], "big": 10**99, "": {"~/": 1}}
    put = await an.http.put("/v1/me/preferences", json=first)
    assert (put.status_code, put.json()) == (200, first)
    assert (await an.http.get("/v1/me/preferences")).json() == first
    await an.http.put("/v1/me/preferences", json={"theme": "light"})
    assert (await an.http.get("/v1/me/preferences")).json() == {"theme": "light"}


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth > 1 else {}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"a": {"b": ["x", "\\u0000"]}}', "/a/b/1"),
        ('{"a": {"\\u0000": 1}}', "/a"),
        ('{"a/b": "\\ud800"}', "/a~1b"),
        ('{"a": NaN}', "/a"),
        ('{"a": 1e999}', "/a"),
        ('{"a": 1' + "0" * 100 + "}", "/a"),
        ("[]", ""),
        ('"text"', ""),
        (json.dumps(nested(17)), "/a" * 16),
        (json.dumps({"a": "x" * 16_384}), ""),
    ],
)
async def test_what_cannot_be_kept_is_named(people: People, body: str, pointer: str) -> None:
    an = await people("an")
    headers = {"Content-Type": "application/json"}
    answer = await an.http.put("/v1/me/preferences", content=body.encode(), headers=headers)
    assert check(answer, 422, "invalid_request")["errors"][0]["pointer"] == pointer
    assert (await an.http.get("/v1/me/preferences")).json() == {}


async def test_the_limits_themselves_are_allowed(people: People) -> None:
    an = await people("an")
    for value in (nested(16), {"a": "x" * (16_384 - len('{"a":""}'))}):
        assert (await an.http.put("/v1/me/preferences", json=value)).status_code == 200
