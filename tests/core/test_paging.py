"""Cursors: opaque, and each of one list."""

import string
from datetime import UTC, datetime
from itertools import permutations

import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.ids import new_id
from app.core.paging import Position, decode_cursor, encode_cursor
from app.core.problems import InvalidCursor
from tests.accounts.signed_in import make_admin
from tests.conftest import Account

HERE = Position(datetime(2026, 11, 21, 12, tzinfo=UTC), new_id())


def test_a_cursor_leads_back_to_its_place() -> None:
    cursor = encode_cursor(HERE, "/v1/tasks")
    assert decode_cursor(cursor, "/v1/tasks") == HERE
    assert set(cursor) <= {*string.ascii_letters, *string.digits, "-", "_"}


@pytest.mark.parametrize("path", ["/v1/assets", "/v1/tasks/", "/v1/batches/1", ""])
def test_a_cursor_of_another_list_is_refused(path: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(encode_cursor(HERE, "/v1/tasks"), path)


def lists(server: FastAPI) -> dict[str, bool]:
    """Those with cursors, and nothing in their path that would have to exist; whether keys may see them."""
    return {
        path: any("ApiKey" in way for way in methods["get"]["security"])
        for path, methods in server.openapi()["paths"].items()
        if "cursor" in {parameter["name"] for parameter in methods.get("get", {}).get("parameters", ())}
        and "{" not in path
    }


async def test_every_list_takes_its_own_cursors_only(account: Account, server: FastAPI, database: Database) -> None:
    await make_admin(database, account)
    assert len(lists(server)) >= 5
    for name in ("one", "two"):
        await account.live.post("/v1/api-keys", json={"name": name})
    own = (await account.live.get("/v1/api-keys", params={"limit": 1})).json()["next_cursor"]
    assert (await account.live.get("/v1/api-keys", params={"cursor": own, "limit": 100})).status_code == 200
    found = lists(server)
    for here, there in permutations(found, 2):
        caller = account.live if found[there] else account.person
        answer = await caller.get(there, params={"cursor": encode_cursor(HERE, here)})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
        assert answer.json()["errors"][0]["pointer"] == "query:cursor"
