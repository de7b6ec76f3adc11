"""API keys: their form, who they let in, and what they may do."""

import asyncio
import re
from datetime import timedelta

import pytest

from app.accounts.keys import secrets, service
from app.accounts.models import ApiKey
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from tests.conftest import Account, client


def test_a_key_has_the_published_form_and_reads_back() -> None:
    key_id = new_id()
    text = secrets.make("live", key_id)
    assert re.fullmatch(secrets.PATTERN, text)
    parsed = secrets.parse(text)
    assert parsed is not None
    assert (parsed.id, parsed.mode, parsed.secret_hash) == (key_id, "live", secrets.hash_secret(text))


def test_no_two_keys_are_alike() -> None:
    key_id = new_id()
    assert secrets.make("live", key_id) != secrets.make("live", key_id)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text[:20] + ("a" if text[20] != "a" else "b") + text[21:],
        lambda text: text.replace("bk_live_", "bk_test_"),
        lambda text: text.replace("bk_live_", "sk_live_"),
        lambda text: text[:30] + "-" + text[31:],
        lambda text: "",
        lambda text: "bk_live_" + "z" * 71,
    ],
)
def test_a_mistyped_key_is_told_by_its_checksum(change) -> None:  # type: ignore[no-untyped-def]
    assert secrets.parse(change(secrets.make("live", new_id()))) is None


async def test_the_secret_is_nowhere_in_the_database(account: Account, database: Database) -> None:
    async with database.transaction() as session:
        rows = (await session.execute(ApiKey.__table__.select())).all()
    assert account.key not in repr(rows)
    assert account.key[31:60] not in repr(rows)


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_both_headers_let_in(account: Account, settings: Settings, header: str) -> None:
    value = f"Bearer {account.key}" if header == "Authorization" else account.key
    async with client(settings) as plain:
        answer = await plain.get("/v1/credits", headers={header: value})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_credentials"),
        ({"Authorization": "Basic abc"}, "missing_credentials"),
        ({"Authorization": "Bearer nonsense"}, "invalid_api_key"),
        ({"X-API-Key": "bk_live_" + "0" * 71}, "invalid_api_key"),
        ({"X-API-Key": secrets.make("live", new_id())}, "invalid_api_key"),
    ],
)
async def test_without_a_known_key_nobody_is_let_in(
    account: Account, settings: Settings, headers: dict[str, str], code: str
) -> None:
    async with client(settings) as plain:
        answer = await plain.get("/v1/credits", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    body = answer.json()
    assert body["code"] == code
    assert body["request_id"] == answer.headers["x-request-id"]


async def test_a_key_is_made_listed_read_used_and_revoked(account: Account, settings: Settings) -> None:
    made = (await account.live.post("/v1/api-keys", json={"name": "shop", "scopes": ["credits:read"]})).json()
    assert made["object"] == "api_key"
    assert made["mode"] == "live"
    assert made["last_used_at"] is None
    async with client(settings, made["secret"]) as shop:
        assert (await shop.get("/v1/credits")).status_code == 200
        refused = await shop.get("/v1/tasks")
        assert refused.status_code == 403
        assert refused.json()["required_scope"] == "tasks:read"
        shown = (await account.live.get(f"/v1/api-keys/{made['id']}")).json()
        assert "secret" not in shown
        async with asyncio.timeout(5):
            while shown["last_used_at"] is None:  # it is written soon after
                await asyncio.sleep(0.05)
                shown = (await account.live.get(f"/v1/api-keys/{made['id']}")).json()
        assert (await account.live.get("/v1/api-keys")).json()["data"][0]["id"] == made["id"]
        assert (await account.live.delete(f"/v1/api-keys/{made['id']}")).status_code == 204
        assert (await shop.get("/v1/credits")).json()["code"] == "invalid_api_key"
    assert (await account.live.get(f"/v1/api-keys/{made['id']}")).json()["revoked_at"] is not None


async def test_a_key_cannot_make_a_wider_one(account: Account, settings: Settings) -> None:
    narrow = (await account.live.post("/v1/api-keys", json={"name": "n", "scopes": ["keys:write"]})).json()
    async with client(settings, narrow["secret"]) as caller:
        answer = await caller.post("/v1/api-keys", json={"name": "w", "scopes": ["keys:write", "tasks:write"]})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/scopes")
    answer = await account.test.post("/v1/api-keys", json={"name": "w", "mode": "live"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/mode")


async def test_a_test_key_sees_test_keys_only(account: Account) -> None:
    seen = (await account.test.get("/v1/api-keys")).json()["data"]
    assert {key["mode"] for key in seen} == {"test"}


async def test_a_neighbours_key_is_not_there(account: Account, neighbour: Account) -> None:
    theirs = (await neighbour.live.get("/v1/api-keys")).json()["data"][0]["id"]
    assert (await account.live.get(f"/v1/api-keys/{theirs}")).status_code == 404
    assert (await account.live.delete(f"/v1/api-keys/{theirs}")).status_code == 404


async def test_an_expired_key_opens_nothing(account: Account, settings: Settings, database: Database) -> None:
    made = (
        await account.live.post(
            "/v1/api-keys", json={"name": "soon", "expires_at": (clock.now() + timedelta(hours=1)).isoformat()}
        )
    ).json()
    async with database.transaction() as session:
        await session.execute(
            ApiKey.__table__.update().where(ApiKey.name == "soon").values(expires_at=clock.now() + timedelta(seconds=1))
        )
    async with client(settings, made["secret"]) as late:
        assert (await late.get("/v1/credits")).status_code == 200
        await asyncio.sleep(1.1)
        assert (await late.get("/v1/credits")).status_code == 401


async def test_issuing_twice_finds_the_same_user_and_workspace(database: Database) -> None:
    async with database.transaction() as session:
        first, _ = await service.issue_key(session, email="Twice@Example.com", mode="live", name="a")
        second, _ = await service.issue_key(session, email="twice@example.com", mode="test", name="b")
    assert (first.user_id, first.workspace_id) == (second.user_id, second.workspace_id)
