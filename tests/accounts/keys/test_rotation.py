"""Rotation: the same key, a new secret, and the old one for a while, in every process."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import update

from app.accounts import changes
from app.accounts.models import ApiKey
from app.core import clock
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from tests.accounts.keys.conftest import MakeKey
from tests.conftest import Account, client


async def rotate(by: httpx.AsyncClient, key: dict[str, Any], seconds: int = 3600) -> dict[str, Any]:
    answer = await by.post(f"/v1/api-keys/{key['id']}/rotate", json={"overlap_seconds": seconds})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def statuses(secrets: list[str], *places: Settings) -> list[list[int]]:
    """Of each secret at each place."""
    found = []
    for secret in secrets:
        row = []
        for place in places:
            async with client(place, secret) as caller:
                row.append((await caller.get("/v1/credits")).status_code)
        found.append(row)
    return found


async def until(secrets: list[str], *places: Settings, are: list[list[int]]) -> None:
    """Within a moment: other processes are told after the commit."""
    async with asyncio.timeout(2):
        while await statuses(secrets, *places) != are:
            await asyncio.sleep(0.02)


async def test_both_secrets_work_in_every_process_until_the_overlap_ends(
    account: Account, settings: Settings, other: Settings, database: Database, make_key: MakeKey
) -> None:
    key, _ = await make_key()
    assert await statuses([key["secret"]], settings, other) == [[200, 200]]
    new = await rotate(account.live, key)
    assert (new["id"], new["mode"], new["scopes"]) == (key["id"], "live", key["scopes"])
    assert new["secret"] != key["secret"]
    assert new["hint"].endswith(new["secret"][-4:])
    assert new["rotated_at"] < new["old_secret_until"]
    assert await statuses([key["secret"], new["secret"]], settings, other) == [[200, 200], [200, 200]]
    async with database.transaction() as session:  # the overlap ends
        key_id = decode("key", key["id"])
        ended = clock.now() + timedelta(seconds=0.4)
        await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(previous_until=ended))
        changes.tell(session, key_id)
    await until([key["secret"], new["secret"]], settings, other, are=[[401, 401], [200, 200]])
    shown = (await account.live.get(f"/v1/api-keys/{key['id']}")).json()
    assert shown["old_secret_until"] is None


async def test_another_rotation_ends_the_oldest_at_once(
    account: Account, settings: Settings, other: Settings, make_key: MakeKey
) -> None:
    first, _ = await make_key()
    second = await rotate(account.live, first)
    assert await statuses([first["secret"], second["secret"]], other) == [[200], [200]]
    third = await rotate(account.live, first)
    every = [first["secret"], second["secret"], third["secret"]]
    assert await statuses(every, settings) == [[401], [200], [200]]
    await until(every, other, are=[[401], [200], [200]])


async def test_without_an_overlap_the_old_secret_ends_at_once(
    account: Account, settings: Settings, other: Settings, make_key: MakeKey
) -> None:
    key, _ = await make_key()
    assert await statuses([key["secret"]], other) == [[200]]
    new = await rotate(account.live, key, 0)
    assert new["old_secret_until"] is None
    assert await statuses([key["secret"], new["secret"]], settings) == [[401], [200]]
    await until([key["secret"]], other, are=[[401]])


async def test_revoking_ends_both(account: Account, settings: Settings, other: Settings, make_key: MakeKey) -> None:
    key, _ = await make_key()
    new = await rotate(account.live, key)
    both = [key["secret"], new["secret"]]
    assert await statuses(both, settings, other) == [[200, 200], [200, 200]]
    assert (await account.live.delete(f"/v1/api-keys/{key['id']}")).status_code == 204
    assert await statuses(both, settings) == [[401], [401]]
    await until(both, other, are=[[401], [401]])
    again = await account.live.post(f"/v1/api-keys/{key['id']}/rotate", json={})
    assert (again.status_code, again.json()["code"]) == (409, "api_key_revoked")


async def test_a_lost_answer_is_asked_for_again_with_the_old_secret(make_key: MakeKey) -> None:
    key, itself = await make_key(scopes=["keys:write", "credits:read"])
    path, once = f"/v1/api-keys/{key['id']}/rotate", {"Idempotency-Key": "rotate-november"}
    first = await itself.post(path, json={}, headers=once)
    assert first.status_code == 200
    again = await itself.post(path, json={}, headers=once)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["secret"] == first.json()["secret"]


async def test_a_secret_that_was_rotated_out_manages_no_keys(account: Account, make_key: MakeKey) -> None:
    """Or who stole it could outlive the rotation that is to end them."""
    key, thief = await make_key(scopes=["keys:write", "keys:read", "credits:read"])
    await rotate(account.live, key)
    path = f"/v1/api-keys/{key['id']}"
    assert (await thief.get(path)).status_code == 200
    for attempt in (
        thief.post(f"{path}/rotate", json={}),
        thief.post("/v1/api-keys", json={"name": "mine"}),
        thief.patch(path, json={"name": "mine"}),
        thief.delete(path),
    ):
        answer = await attempt
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_grant")


async def test_two_rotations_at_once_leave_two_secrets_that_work(
    account: Account, settings: Settings, make_key: MakeKey
) -> None:
    key, _ = await make_key()
    answers = await asyncio.gather(*(rotate(account.live, key) for _ in range(4)))
    found = await statuses([key["secret"], *(answer["secret"] for answer in answers)], settings)
    assert sorted(status for (status,) in found) == [200, 200, 401, 401, 401]


async def test_an_overlap_has_a_length_that_can_be(account: Account, make_key: MakeKey) -> None:
    key, _ = await make_key()
    for seconds in (-1, 604_801, 1.5, "60"):
        answer = await account.live.post(f"/v1/api-keys/{key['id']}/rotate", json={"overlap_seconds": seconds})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/overlap_seconds")
    plain = (await account.live.post(f"/v1/api-keys/{key['id']}/rotate")).json()
    assert plain["rotated_at"][:10] < plain["old_secret_until"][:10]  # a day
