"""Providers that call back: the task is looked at sooner, and nothing else ever happens."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.ids import encode, new_id
from app.core.settings import MEBIBYTE, Settings
from app.generation import advance, callbacks, failures, inbound_queries
from app.generation.models import MOST_CALLBACK_BYTES
from app.ledger.verify import verify
from app.providers.base import Accepted, ErrorCode, Running, Unknown
from tests.conftest import client
from tests.generation.conftest import Stage
from tests.generation.scripted import done
from tests.waiting import until_somebody_waits
from workers import maintenance


async def call_back(stage: Stage, token: str, provider: str = "scripted", **request: Any) -> int:
    async with client(stage.engine.settings) as vendor:
        answer = await vendor.post(f"/v1/inbound/{provider}/{token}", **request)
    assert answer.status_code in (204, 404, 413)
    assert answer.status_code != 204 or answer.content == b""
    return answer.status_code


@pytest.fixture(autouse=True)
def _the_api_knows_them_too(stage: Stage, server: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in (stage.first, stage.second):
        monkeypatch.setitem(server.state.catalog.providers, provider.name, provider)


async def kept(stage: Stage, task_id: UUID) -> list[dict[str, Any]]:
    """What came for the task's attempts, in the order in which it came."""
    query = (
        "select c.* from inbound_callbacks c join task_attempts a on a.id = c.attempt_id where a.task_id = $1"
        " order by c.id"
    )
    return [dict(row) for row in await stage.database.fetch(query, task_id)]


async def sleeping(stage: Stage, *script: Any) -> tuple[UUID, str]:
    """A task whose job is polled in ten minutes, and the token of its attempt."""
    stage.first.script = [Accepted("job-1", poll_after=200), *script]
    task_id = await stage.order()
    await stage.advance(task_id)
    [attempt] = (await stage.row(task_id)).attempts
    return task_id, callbacks.token(stage.engine.settings, "scripted", attempt.id)


async def seconds_to_wake(stage: Stage, task_id: UUID) -> float:
    async with stage.database.transaction() as session:
        query = text("select extract(epoch from wake_at - clock_timestamp())::float8 from tasks where id = :id")
        return float((await session.execute(query, {"id": task_id})).scalar_one())


async def test_a_callback_makes_the_poll_due_and_is_noted(stage: Stage) -> None:
    task_id, token = await sleeping(stage)
    assert await seconds_to_wake(stage, task_id) > 100
    assert await call_back(stage, token, json={"status": "failed", "cost": 1_000_000}) == 204
    assert await seconds_to_wake(stage, task_id) <= 0
    row = await stage.row(task_id)
    assert (row.status, row.attempts[0].status, row.attempts[0].callbacks) == ("processing", "accepted", 1)
    assert row.attempts[0].called_back_at is not None


async def test_many_at_once_are_one_poll_a_second_and_one_result(stage: Stage) -> None:
    task_id, token = await sleeping(stage, done())
    calls = (call_back(stage, token, json={"progress": number}) for number in range(10))
    assert set(await asyncio.gather(*calls)) == {204}
    assert (await stage.row(task_id)).attempts[0].callbacks == 10
    task = await stage.advance(task_id)
    assert (task.status, stage.first.polls) == ("succeeded", ["job-1"])
    assert await stage.credits() == (9, 0, 1)


async def test_a_second_call_soon_after_waits_for_its_second(stage: Stage) -> None:
    task_id, token = await sleeping(stage, Running(poll_after=200))
    await call_back(stage, token, json={"status": "running"})
    await stage.advance(task_id)
    await call_back(stage, token, json={"status": "done"})
    assert 0 < await seconds_to_wake(stage, task_id) <= 1


async def test_a_call_while_the_worker_asks_is_not_lost(stage: Stage) -> None:
    """The worker's lease is not taken away; it asks again as soon as it has its answer."""
    task_id, token = await sleeping(stage, 0.3, Running(poll_after=200), done())
    polling = asyncio.create_task(stage.advance(task_id))
    while not stage.first.polls:
        await asyncio.sleep(0.01)
    fence = (await stage.row(task_id)).fence
    await call_back(stage, token)
    assert (await stage.row(task_id)).fence == fence
    await polling
    assert await seconds_to_wake(stage, task_id) <= 0
    assert (await stage.advance(task_id)).status == "succeeded"


async def test_a_call_at_the_moment_the_worker_goes_to_sleep_is_not_lost(stage: Stage) -> None:
    """It waits for the worker's transaction, and judges by what that has left."""
    task_id, token = await sleeping(stage)
    change = "update {} where {} = :id"
    async with stage.database.transaction() as session:
        await session.execute(text(change.format("tasks set wake_at = now() + interval '1 s'", "id")), {"id": task_id})
        await session.execute(
            text(change.format("task_attempts set status = 'submitting'", "task_id")), {"id": task_id}
        )
    async with stage.database.transaction() as session:
        await session.execute(text("select from tasks where id = :id for no key update"), {"id": task_id})
        calling = asyncio.create_task(call_back(stage, token))
        await until_somebody_waits(stage.database, statement="inbound_callbacks")
        await session.execute(text(change.format("task_attempts set status = 'accepted'", "task_id")), {"id": task_id})
        await session.execute(
            text(change.format("tasks set wake_at = now() + interval '200 s'", "id")), {"id": task_id}
        )
    assert await calling == 204
    assert await seconds_to_wake(stage, task_id) <= 0


async def test_a_call_that_outruns_the_answer_of_submit_is_not_lost(stage: Stage) -> None:
    stage.first.script = [0.3, Accepted("job-1", poll_after=200)]
    task_id = await stage.order()
    working = asyncio.create_task(stage.advance(task_id))
    while not stage.first.calls:
        await asyncio.sleep(0.01)
    [attempt] = (await stage.row(task_id)).attempts
    await call_back(stage, callbacks.token(stage.engine.settings, "scripted", attempt.id))
    await working
    assert await seconds_to_wake(stage, task_id) <= 0


async def test_a_call_about_an_unknown_outcome_asks_the_provider_sooner(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "SHORTEST_POLL_SECONDS", 100.0)
    stage.first.script = [Unknown(ErrorCode.PROVIDER_TIMEOUT, "no answer")]
    task_id = await stage.order()
    await stage.advance(task_id)
    assert await seconds_to_wake(stage, task_id) > 20
    [attempt] = (await stage.row(task_id)).attempts
    await call_back(stage, callbacks.token(stage.engine.settings, "scripted", attempt.id))
    assert await seconds_to_wake(stage, task_id) <= 0


async def test_a_call_for_an_ended_task_changes_nothing(stage: Stage) -> None:
    task_id, token = await sleeping(stage, done())
    await stage.advance(task_id)
    before = await stage.row(task_id)
    assert await call_back(stage, token) == 204
    after = await stage.row(task_id)
    assert (after.status, after.version, after.wake_at) == ("succeeded", before.version, before.wake_at)
    assert await stage.credits() == (9, 0, 1)


async def test_what_is_forged_foreign_or_nobodys_is_not_told_apart(stage: Stage) -> None:
    task_id, token = await sleeping(stage)
    settings = stage.engine.settings
    name, _, proof = token.partition(".")
    forged = [
        f"{name}.{'0' * 32}",
        f"{name}.{proof[:-1]}",
        f"{encode('att', new_id())}.{proof}",
        name,
        "x",
        ".",
        f"{name}.é",
        "x" * 200,
        "%00",
    ]
    assert [await call_back(stage, one) for one in forged] == [404] * len(forged)
    assert await call_back(stage, token, provider="second") == 404
    assert await call_back(stage, callbacks.token(settings, "scripted", new_id())) == 204  # ours, of a deleted attempt
    assert await seconds_to_wake(stage, task_id) > 100


# --- what is kept


async def test_what_came_is_kept(stage: Stage) -> None:
    task_id, token = await sleeping(stage)
    await call_back(stage, token, json={"id": "a job nobody knows", "status": "failed", "cost": 1_000_000})
    [row] = await kept(stage, task_id)
    assert (row["provider"], row["content_type"], row["deliveries"]) == ("scripted", "application/json", 1)
    assert json.loads(row["body"])["id"] == "a job nobody knows"
    assert row["body_bytes"] == len(row["body"])


async def test_the_same_again_is_counted_and_does_nothing_more(stage: Stage) -> None:
    task_id, token = await sleeping(stage, Running(poll_after=200))
    await call_back(stage, token, content=b"done")
    await stage.advance(task_id)
    before = await stage.row(task_id)
    for _ in range(3):
        assert await call_back(stage, token, content=b"done") == 204
    after = await stage.row(task_id)
    assert (after.wake_at, after.attempts[0].called_back_at) == (before.wake_at, before.attempts[0].called_back_at)
    assert after.attempts[0].callbacks == 1
    assert [row["deliveries"] for row in await kept(stage, task_id)] == [4]


async def test_the_same_many_times_at_once_is_one(stage: Stage) -> None:
    task_id, token = await sleeping(stage, done())
    assert set(await asyncio.gather(*(call_back(stage, token, content=b"done") for _ in range(10)))) == {204}
    assert (await stage.row(task_id)).attempts[0].callbacks == 1
    assert [row["deliveries"] for row in await kept(stage, task_id)] == [10]


async def test_what_never_ends_is_not_kept_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "MOST_KEPT", 3)
    task_id, token = await sleeping(stage)
    for number in range(5):
        assert await call_back(stage, token, content=b"%d" % number) == 204
    await call_back(stage, token, content=b"1")
    assert [(row["body"], row["deliveries"]) for row in await kept(stage, task_id)] == [(b"0", 1), (b"1", 2), (b"2", 1)]
    assert (await stage.row(task_id)).attempts[0].callbacks == 3


async def test_of_a_large_body_the_beginning_is_kept_and_the_rest_still_counts(stage: Stage) -> None:
    task_id, token = await sleeping(stage)
    start = b"x" * MOST_CALLBACK_BYTES
    for end in (b"", b"1", b"2" * 500_000, b"1"):
        assert await call_back(stage, token, content=start + end) == 204
    rows = await kept(stage, task_id)
    assert [(row["body"] == start, row["deliveries"]) for row in rows] == [(True, 1), (True, 2), (True, 1)]
    assert [row["body_bytes"] - len(start) for row in rows] == [0, 1, 500_000]


async def test_a_body_beyond_all_measure_is_refused(stage: Stage) -> None:
    task_id, token = await sleeping(stage)
    with suppress(httpx.TransportError):  # it is answered, and may be hung up on, before all is sent
        assert await call_back(stage, token, content=b"x" * (MEBIBYTE + 1)) == 413
    assert await kept(stage, task_id) == []
    assert await seconds_to_wake(stage, task_id) > 100


async def test_a_call_for_one_task_is_no_call_for_another(stage: Stage) -> None:
    one, token = await sleeping(stage)
    other, _ = await sleeping(stage)
    [attempt] = (await stage.row(other)).attempts
    body = {"id": attempt.provider_reference, "task": encode("task", other), "attempt": encode("att", attempt.id)}
    assert await call_back(stage, token, json=body) == 204
    assert await seconds_to_wake(stage, one) <= 0
    assert await seconds_to_wake(stage, other) > 100
    assert await kept(stage, other) == []


async def test_a_provider_that_is_not_enabled_is_nobody(stage: Stage, server: FastAPI) -> None:
    task_id, token = await sleeping(stage)
    del server.state.catalog.providers["scripted"]
    assert await call_back(stage, token) == 404
    assert await kept(stage, task_id) == []
    server.state.catalog.providers["scripted"] = stage.first


async def test_what_cannot_be_kept_is_to_be_sent_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id, token = await sleeping(stage)

    async def down(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as outage:
        outage.setattr(inbound_queries, "note", down)
        async with client(stage.engine.settings) as vendor:
            answer = await vendor.post(f"/v1/inbound/scripted/{token}", content=b"done")
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down")
    assert int(answer.headers["retry-after"]) > 0
    assert await call_back(stage, token, content=b"done") == 204
    assert await seconds_to_wake(stage, task_id) <= 0


async def test_after_a_week_it_is_forgotten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound_queries, "FORGET_AT_ONCE", 2)
    task_id, token = await sleeping(stage)
    for number in range(6):
        await call_back(stage, token, content=b"%d" % number)
    age = "update inbound_callbacks set received_at = now() - interval '7 days 1 minute' where body = any($1)"
    await stage.database.fetch(age, [b"0", b"1", b"2", b"4", b"5"])
    await maintenance.sweep_callbacks({"engine": stage.engine})
    assert [row["body"] for row in await kept(stage, task_id)] == [b"3"]


async def test_callbacks_and_polls_at_once_are_one_result_charged_once(stage: Stage) -> None:
    task_id, token = await sleeping(stage, 0.1, Running(poll_after=200), 0.1, done(), done(), done())
    await stage.make_due(task_id)
    for number in range(2):
        polls = (advance.advance_task(stage.engine, task_id) for _ in range(4))
        calls = (call_back(stage, token, json={"number": number + call % 3}) for call in range(6))
        await asyncio.gather(*polls, *calls)
        await stage.make_due(task_id)
        await advance.advance_task(stage.engine, task_id)
    task = await stage.read(task_id)
    assert (task.status, len(task.outputs)) == ("succeeded", 1)
    assert len(stage.first.calls) == 1
    assert await stage.credits() == (9, 0, 1)


# --- where providers reach us


def given(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("public_url", "callback_url", "base"),
    [
        ("https://api.shop.example", None, "https://api.shop.example"),
        ("https://api.shop.example/", None, "https://api.shop.example"),
        ("http://127.0.0.1:8000", None, None),
        ("http://api.shop.example", None, None),
        ("https://localhost", None, None),
        ("https://10.1.2.3", None, None),
        ("https://[::1]:8000", None, None),
        ("https://backlot.internal", None, None),
        ("http://127.0.0.1:8000", "https://tunnel.example/", "https://tunnel.example"),
    ],
)
def test_only_who_can_be_reached_is_called_back(public_url: str, callback_url: str | None, base: str | None) -> None:
    settings = given(api={"public_url": public_url}, providers={"callback_url": callback_url})
    attempt_id = new_id()
    made = callbacks.url(settings, "scripted", attempt_id)
    assert made == (base and f"{base}/v1/inbound/scripted/{callbacks.token(settings, 'scripted', attempt_id)}")


def test_a_token_is_good_for_one_provider_and_one_installation() -> None:
    attempt_id = new_id()
    token = callbacks.token(given(), "scripted", attempt_id)
    assert callbacks.attempt_of(given(), "scripted", token) == attempt_id
    assert callbacks.attempt_of(given(), "second", token) is None
    assert callbacks.attempt_of(given(secret="another"), "scripted", token) is None


@pytest.fixture(autouse=True)
async def _the_books_are_right(stage: Stage, request: pytest.FixtureRequest) -> Any:
    yield
    async with stage.database.transaction() as session:
        assert await verify(session) == []
