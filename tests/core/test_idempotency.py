"""`Idempotency-Key`: one request, one effect, one answer."""

import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import func, select, update

from app.accounts.models import ApiKey
from app.core import clock, idempotency
from app.core.db import Database
from app.core.idempotency import CLAIM_SECONDS, IdempotencyKey, Replay, once, read_key
from app.core.problems import IdempotencyKeyInFlight, MalformedRequest
from app.core.sealing import Sealer
from app.core.settings import Settings
from tests.conftest import PHOTOS, Account, client

COFFEE = (PHOTOS / "coffee.jpg").read_bytes()
ORDER = {"name": "shop", "scopes": ["credits:read"]}


async def post(account: Account, key: str, order: dict[str, Any] | None = None) -> httpx.Response:
    """A request with an effect that can be counted: a new API key."""
    return await account.live.post("/v1/api-keys", json=order or ORDER, headers={"Idempotency-Key": key})


async def made(account: Account, database: Database, name: str = "shop") -> int:
    query = select(func.count()).where(ApiKey.workspace_id == account.workspace_id, ApiKey.name == name)
    async with database.transaction() as session:
        return int((await session.execute(query)).scalar_one())


async def change(database: Database, account: Account, key: str, **values: Any) -> None:
    async with database.transaction() as session:
        query = update(IdempotencyKey).where(
            IdempotencyKey.workspace_id == account.workspace_id, IdempotencyKey.key == key
        )
        assert (await session.execute(query.values(values))).rowcount == 1  # type: ignore[attr-defined]


async def is_known(database: Database, account: Account, key: str) -> bool:
    query = select(IdempotencyKey.key).where(
        IdempotencyKey.workspace_id == account.workspace_id, IdempotencyKey.key == key
    )
    async with database.transaction() as session:
        return (await session.execute(query)).first() is not None


UNANSWERED = {"status": None, "headers": None, "body": None}


# --- over HTTP


async def test_a_repeat_has_the_same_answer_and_no_effect(account: Account, database: Database) -> None:
    first, again = await post(account, "k"), await post(account, "k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await made(account, database) == 1


async def test_the_same_json_written_otherwise_is_the_same_request(account: Account) -> None:
    await post(account, "k")
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    body = b'{ "scopes" : ["credits:read"],\n  "name": "shop" }'
    again = await account.live.post("/v1/api-keys", content=body, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"


async def test_another_request_with_the_same_key_is_refused(account: Account, database: Database) -> None:
    await post(account, "k")
    for answer in (
        await post(account, "k", ORDER | {"name": "other"}),
        await account.live.post(
            "/v1/tasks/task_01jcqzm4x8e3v9tk5h2w7d6n0p/retry", json=ORDER, headers={"Idempotency-Key": "k"}
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert answer.json()["errors"][0]["pointer"] == "header:Idempotency-Key"
    assert await made(account, database, "other") == 0


async def test_while_the_first_is_running_others_are_asked_to_wait(account: Account, database: Database) -> None:
    await post(account, "k")
    await change(database, account, "k", **UNANSWERED)
    answer = await post(account, "k")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_flight")
    assert int(answer.headers["retry-after"]) > 0


async def test_of_many_at_once_one_has_the_effect(account: Account, database: Database) -> None:
    answers = await asyncio.gather(*(post(account, "k") for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await made(account, database) == 1


async def test_after_a_day_the_key_is_free(account: Account, database: Database) -> None:
    first = await post(account, "k")
    await change(database, account, "k", expires_at=clock.now() - timedelta(seconds=1))
    later = await post(account, "k", ORDER | {"name": "other"})
    assert later.status_code == 201
    assert later.json()["id"] != first.json()["id"]
    assert "idempotency-replayed" not in later.headers


async def test_keys_live_a_day_and_are_then_forgotten(
    account: Account, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "FORGET_AT_ONCE", 1)
    await post(account, "old")
    await post(account, "older")
    await post(account, "young")
    query = select(IdempotencyKey.expires_at).where(IdempotencyKey.workspace_id == account.workspace_id)
    async with database.transaction() as session:
        left = [end - clock.now() for end in (await session.execute(query)).scalars()]
    assert all(timedelta(hours=23, minutes=59) < life <= timedelta(hours=24) for life in left)
    for key in ("old", "older"):
        await change(database, account, key, expires_at=clock.now() - timedelta(seconds=1))
    assert await idempotency.forget_expired(database) >= 2
    assert not await is_known(database, account, "old")
    assert not await is_known(database, account, "older")
    assert await is_known(database, account, "young")


async def test_what_a_dead_process_held_is_free_again(account: Account, database: Database) -> None:
    await post(account, "k")
    await change(database, account, "k", claimed_until=clock.now() + timedelta(seconds=1), **UNANSWERED)
    assert (await post(account, "k")).status_code == 409
    await change(database, account, "k", claimed_until=clock.now() - timedelta(seconds=1))
    assert (await post(account, "k", ORDER | {"name": "other"})).status_code == 422
    assert (await post(account, "k")).status_code == 201
    assert (await post(account, "k")).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "order",
    [{"name": ""}, {"name": "shop", "expires_at": "2020-01-01T00:00:00Z"}],
    ids=["refused by form", "refused by rule"],
)
async def test_a_failed_request_frees_its_key(account: Account, database: Database, order: dict[str, Any]) -> None:
    assert (await post(account, "k", order)).status_code == 422
    assert not await is_known(database, account, "k")
    assert (await post(account, "k")).status_code == 201


async def test_a_key_belongs_to_one_workspace_and_mode(account: Account, neighbour: Account) -> None:
    answers = [
        await caller.post("/v1/api-keys", json=ORDER | {"name": name}, headers={"Idempotency-Key": "k"})
        for name, caller in {"mine": account.live, "theirs": neighbour.live, "a test": account.test}.items()
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]


async def test_an_answer_is_told_again_to_nobody_else_of_the_workspace(account: Account, settings: Settings) -> None:
    first = await post(account, "k")
    other = (await post(account, "another", ORDER | {"scopes": ["keys:write", "credits:read"]})).json()
    async with client(settings, other["secret"]) as colleague:
        again = await colleague.post("/v1/api-keys", json=ORDER, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")
    assert first.json()["secret"] not in again.text


async def test_who_may_not_order_sees_no_replay(account: Account, settings: Settings) -> None:
    await post(account, "k")
    narrow = (await post(account, "narrow")).json()
    async with client(settings, narrow["secret"]) as stranger:
        answer = await stranger.post("/v1/api-keys", json=ORDER, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_the_longest_key_and_quoted_keys(account: Account) -> None:
    assert (await post(account, "a" * 255)).status_code == 201
    assert (await post(account, "a" * 256)).status_code == 400
    assert (await post(account, '"quoted"')).status_code == 201
    assert (await post(account, "quoted")).headers["idempotency-replayed"] == "true"


async def test_a_repeated_upload_is_one_asset(account: Account) -> None:
    """Each attempt of a client has another multipart boundary."""
    answers = []
    for boundary in ("first", "second"):
        headers = {"Idempotency-Key": "k", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        answers.append(await account.live.post("/v1/assets", files={"file": ("coffee.jpg", COFFEE)}, headers=headers))
    first, again = answers
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await account.live.get("/v1/assets")).json()["data"]) == 1


async def test_another_file_or_name_is_another_upload(account: Account) -> None:
    async def upload(**order: str) -> httpx.Response:
        return await account.live.post("/v1/assets", json=order, headers={"Idempotency-Key": "k"})

    text = base64.b64encode(COFFEE).decode()
    assert (await upload(base64=text, filename="a.jpg")).status_code == 201
    for order in ({"base64": text, "filename": "b.jpg"}, {"base64": text[:-400], "filename": "a.jpg"}):
        assert (await upload(**order)).json()["code"] == "idempotency_key_reused"


async def test_a_refused_upload_frees_its_key(account: Account) -> None:
    headers = {"Idempotency-Key": "k"}
    assert (await account.live.post("/v1/assets", json={"base64": "AAAA"}, headers=headers)).status_code in (415, 422)
    text = base64.b64encode(COFFEE).decode()
    assert (await account.live.post("/v1/assets", json={"base64": text}, headers=headers)).status_code == 201


# --- by itself


class Answer(BaseModel):
    by: str


def claim(database: Database, sealer: Sealer, account: Account, key: str | None = "k") -> Any:
    return once(
        database, sealer, workspace_id=account.workspace_id, mode="live", key=key, fingerprint=b"the same request"
    )


@pytest.fixture
def sealer(server: FastAPI) -> Sealer:
    found: Sealer = server.state.sealer
    return found


async def test_a_slow_first_one_is_undone_when_another_took_over(
    account: Account, database: Database, sealer: Sealer
) -> None:
    async def be_slow() -> None:
        async with claim(database, sealer, account) as slow:
            await change(database, account, "k", claimed_until=clock.now() - timedelta(seconds=1))
            async with claim(database, sealer, account) as quick, database.transaction() as session:
                await quick.answer(session, 201, Answer(by="the second"))
            async with database.transaction() as session:
                session.add(effect)
                await slow.answer(session, 201, Answer(by="the first"))

    now = clock.now()
    effect = IdempotencyKey(
        workspace_id=account.workspace_id,
        mode="live",
        key="effect of the first",
        fingerprint=b"",
        claim=uuid4(),
        claimed_until=now,
        expires_at=now + timedelta(hours=1),
    )
    with pytest.raises(IdempotencyKeyInFlight):
        await be_slow()
    assert not await is_known(database, account, "effect of the first")
    with pytest.raises(Replay) as replay:
        await claim(database, sealer, account).__aenter__()
    assert replay.value.response.body == b'{"by":"the second"}'


async def test_a_slow_first_one_that_fails_leaves_the_second_alone(
    account: Account, database: Database, sealer: Sealer
) -> None:
    async def fail_late() -> None:
        async with claim(database, sealer, account):
            await change(database, account, "k", claimed_until=clock.now() - timedelta(seconds=1))
            await second.__aenter__()
            raise RuntimeError("too late")

    second = claim(database, sealer, account)
    with pytest.raises(RuntimeError):
        await fail_late()
    with pytest.raises(IdempotencyKeyInFlight):
        await claim(database, sealer, account).__aenter__()
    await second.__aexit__(None, None, None)


async def test_a_cancelled_request_frees_its_key(account: Account, database: Database, sealer: Sealer) -> None:
    has_begun = asyncio.Event()

    async def work() -> None:
        async with claim(database, sealer, account):
            has_begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await has_begun.wait()
    assert await is_known(database, account, "k")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await is_known(database, account, "k")


async def test_an_answer_is_kept_only_with_its_effect(account: Account, database: Database, sealer: Sealer) -> None:
    async def crash_after_answering() -> None:
        async with claim(database, sealer, account) as first, database.transaction() as session:
            await first.answer(session, 201, Answer(by="nobody"))
            raise RuntimeError("before the commit")

    with pytest.raises(RuntimeError):
        await crash_after_answering()
    assert not await is_known(database, account, "k")


async def test_a_claim_outlives_the_longest_request() -> None:
    """An import may take the whole time of a fetch, then that of a decode."""
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert settings.egress.total_seconds + settings.assets.decode_seconds < CLAIM_SECONDS


async def test_without_a_key_nothing_is_kept(account: Account, database: Database, sealer: Sealer) -> None:
    async with claim(database, sealer, account, key=None) as free, database.transaction() as session:
        answer = await free.answer(session, 201, Answer(by="anyone"))
    assert answer.status_code == 201
    query = select(func.count()).where(IdempotencyKey.workspace_id == account.workspace_id)
    async with database.transaction() as session:
        assert (await session.execute(query)).scalar_one() == 0


@pytest.mark.parametrize(
    ("header", "key"),
    [("k", "k"), (' "k" ', "k"), ('"', '"'), ('"a"b"', 'a"b'), ("a b", "a b"), ("~" * 255, "~" * 255), (None, None)],
)
def test_keys_are_read_with_or_without_quotes(header: str | None, key: str | None) -> None:
    assert read_key(header) == key


@pytest.mark.parametrize("header", ["", '""', " ", "a" * 256, "a\tb", "a\x00", "ä", "\x7f"])
def test_other_keys_are_malformed(header: str) -> None:
    with pytest.raises(MalformedRequest):
        read_key(header)


def test_no_nesting_is_too_deep_to_compare() -> None:
    assert idempotency.canonical(b"[" * 100_000) == b"[" * 100_000
    assert idempotency.canonical(b'{"b": 1, "a": 2}') == b'{"a":2,"b":1}'
