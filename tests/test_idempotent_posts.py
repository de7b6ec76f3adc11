"""Every POST of the API: with an Idempotency-Key its repeats have one effect and one answer, or it needs none."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text, update

from app.core import clock
from app.core.db import Database
from app.core.idempotency import IdempotencyKey
from app.core.settings import Settings
from app.ledger.verify import verify
from tests.conftest import PHOTOS, Account, free_port
from tests.test_openapi import OPERATIONS

NEED_NONE = {
    "refresh_session": "a refresh token changes once, and the last change is told again",
    "confirm_session": "a proof only makes the session fresh; links are good once, and their number is limited",
    "log_out": "what has ended has ended",
    "log_out_everywhere": "what has ended has ended",
    "exchange_oauth_code": "the code is good once",
    "confirm_identity": "the link is good once",
    "link_identity": "an identity is linked once, whoever repeats it",
    "accept_invitation": "the same user has the same seat",
    "resend_invitation": "it sends a mail, a few times an hour at most",
    "transfer_workspace": "the second time the caller is no owner any more, and nothing is changed",
    "create_export": "while an archive is being made, that one is answered with",
    "suspend_user": "who is suspended is suspended",
    "reinstate_user": "who is let in is let in",
    "sign_out_user": "sessions end once",
    "restore_me": "a deletion is taken back once",
    "redeliver_webhook": "what is sent again has the same `webhook-id`, and what waits is sent once",
    "redeliver_webhook_range": "the same, of many",
    "create_ticket": "every ticket is good for a minute, and for reading only",
    "quote_task": "nothing is kept and nothing is spent",
    "sign_up": "again it changes nothing, and a mail is sent again, a few times an hour at most",
    "resend_verification": "it sends a mail, a few times an hour at most",
    "forgot_password": "it sends a mail, a few times an hour at most",
    "verify_email": "a link is good once, and an address is verified once",
    "reset_password": "a link is good once",
    "log_in": "every sign-in is a session of its own, which its user sees and may end",
    "change_password": "the second time the current password is another, and nothing is changed",
    "change_email": "what was asked for before is forgotten; mails are sent a few times an hour at most",
    "confirm_email_change": "a link is good once",
    "receive_callback": "whatever calls, and however often: the provider is asked what became of the job",
}
HOOK = "https://shop.example.com/hook"
KEY = {"Idempotency-Key": "order-1042"}
POSTS = {operation["operationId"]: operation for name, operation in OPERATIONS.items() if name.startswith("POST ")}


THEIRS = "select workspace_id from members where user_id in (select user_id from members where workspace_id = :id)"


@dataclass
class Post:
    """A request, and one that is like it but another."""

    path: str
    body: dict[str, Any]
    other_path: str
    other_body: dict[str, Any]

    async def send(self, caller: httpx.AsyncClient) -> httpx.Response:
        return await caller.post(self.path, headers=KEY, **self.body)

    async def send_other(self, caller: httpx.AsyncClient) -> httpx.Response:
        return await caller.post(self.other_path, headers=KEY, **self.other_body)


Make = Callable[[httpx.AsyncClient], Awaitable[Post]]


def a_task(words: str = "a red bicycle") -> dict[str, Any]:
    return {"operation": "text_to_image", "input": {"prompt": words}}


def a_batch(*words: str) -> dict[str, Any]:
    return {"operation": "text_to_image", "items": [{"input": {"prompt": word}} for word in words]}


def creating(path: str, body: dict[str, Any], other: dict[str, Any]) -> Make:
    async def make(_: httpx.AsyncClient) -> Post:
        return Post(path, body, path, other)

    return make


def changing(path: str, body: dict[str, Any], verb: str, *before: str) -> Make:
    """What is done to one of two that were made for it, and had this done before."""

    async def make(caller: httpx.AsyncClient) -> Post:
        paths = []
        for _ in range(2):
            made = await caller.post(path, json=body)
            paths.append(made.headers["location"])
            for earlier in before:
                assert (await caller.post(f"{paths[-1]}/{earlier}")).is_success
        first, second = (f"{one}/{verb}" for one in paths)
        return Post(first, {}, second, {})

    return make


async def inviting(caller: httpx.AsyncClient) -> Post:
    """To a team of the caller's."""
    team = (await caller.post("/v1/workspaces", json={"name": "team"})).headers["location"]
    body, other = ({"json": {"email": f"{uuid4().hex}@example.com"}} for _ in range(2))
    return Post(f"{team}/invitations", body, f"{team}/invitations", other)


def upload(name: str) -> dict[str, Any]:
    return {"files": {"file": (f"{name}.jpg", (PHOTOS / f"{name}.jpg").read_bytes())}}


MAKES: dict[str, Make] = {
    "create_task": creating("/v1/tasks", {"json": a_task()}, {"json": a_task("a blue one")}),
    "cancel_task": changing("/v1/tasks", a_task(), "cancel"),
    "retry_task": changing("/v1/tasks", a_task(), "retry", "cancel"),
    "create_batch": creating("/v1/batches", {"json": a_batch("one", "two")}, {"json": a_batch("one", "three")}),
    "cancel_batch": changing("/v1/batches", a_batch("one", "two"), "cancel"),
    "create_asset": creating("/v1/assets", upload("coffee"), upload("chelsea")),
    "create_workspace": creating("/v1/workspaces", {"json": {"name": "a"}}, {"json": {"name": "b"}}),
    "create_invitation": inviting,
    "rotate_api_key": changing("/v1/api-keys", {"name": "shop"}, "rotate"),
    "create_webhook_endpoint": creating(
        "/v1/webhook-endpoints", {"json": {"url": HOOK}}, {"json": {"url": f"{HOOK}/b"}}
    ),
    "rotate_webhook_secret": changing("/v1/webhook-endpoints", {"url": HOOK}, "rotate-secret"),
    "send_webhook_test": changing("/v1/webhook-endpoints", {"url": HOOK}, "test"),
    "rotate_webhook_signing_secret": creating(
        "/v1/webhook-signing-secret/rotate", {"json": {}}, {"json": {"overlap_seconds": 60}}
    ),
    "create_api_key": creating("/v1/api-keys", {"json": {"name": "shop"}}, {"json": {"name": "another"}}),
}
BY_USER = frozenset({"create_workspace", "create_invitation"})
"""What a user does who is signed in; the rest is done with a test key."""


def caller_of(make: Make, account: Account) -> httpx.AsyncClient:
    return account.person if make in {MAKES[name] for name in BY_USER} else account.test


each = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


async def effects(database: Database, account: Account) -> dict[str, Any]:
    """All that these requests could do twice."""
    counts = {
        "tasks": "count(*), sum(run), sum(version)",
        "batches": "count(*), count(canceled_at)",
        "assets": "count(*)",
        "api_keys": "count(*), count(rotated_at)",
        "audit_entries": "count(*)",
        "events": "count(*)",
        "webhook_endpoints": "count(*), sum(secret_generation)",
        "webhook_signing_secrets": "count(*), sum(generation)",
        "webhook_deliveries": "count(*)",
        "credit_transfers": "count(*), sum(amount)",
        "credit_holds": "count(*), sum(amount)",
    }
    async with database.transaction() as session:
        found = {}
        for table, columns in counts.items():
            query = text(f"select {columns} from {table} where workspace_id = :id")
            found[table] = tuple((await session.execute(query, {"id": account.workspace_id})).one())
        for table in ("members", "invitations"):
            # Of the workspaces of whoever is in this one.
            query = text(f"select count(*) from {table} where workspace_id in ({THEIRS})")
            found[table] = tuple((await session.execute(query, {"id": account.workspace_id})).one())
        return found


async def change_key(database: Database, account: Account, **values: Any) -> None:
    async with database.transaction() as session:
        query = update(IdempotencyKey).where(IdempotencyKey.workspace_id == account.workspace_id)
        assert (await session.execute(query.values(values))).rowcount  # type: ignore[attr-defined]


def check_replay(again: httpx.Response, first: httpx.Response) -> None:
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers.get("location") == first.headers.get("location")
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_every_post_takes_a_key_or_needs_none() -> None:
    assert POSTS.keys() == MAKES.keys() | NEED_NONE.keys()
    for name, operation in POSTS.items():
        parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("Idempotency-Key" in parameters) == (name not in NEED_NONE), name


@each
async def test_a_repeat_has_the_same_answer_and_no_effect(make: Make, account: Account, database: Database) -> None:
    post = await make(caller_of(make, account))
    first = await post.send(caller_of(make, account))
    assert first.is_success, first.text
    before = await effects(database, account)
    check_replay(await post.send(caller_of(make, account)), first)
    assert await effects(database, account) == before


@each
async def test_the_key_is_refused_to_another_request(make: Make, account: Account, database: Database) -> None:
    post = await make(caller_of(make, account))
    await post.send(caller_of(make, account))
    before = await effects(database, account)
    answer = await post.send_other(caller_of(make, account))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert answer.json()["errors"][0]["pointer"] == "header:Idempotency-Key"
    assert await effects(database, account) == before


@each
async def test_while_the_first_is_under_way_others_wait(make: Make, account: Account, database: Database) -> None:
    post = await make(caller_of(make, account))
    await post.send(caller_of(make, account))
    before = await effects(database, account)
    later = clock.now() + timedelta(seconds=30)
    await change_key(database, account, status=None, headers=None, body=None, claimed_until=later)
    answer = await post.send(caller_of(make, account))
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_flight")
    assert int(answer.headers["retry-after"]) > 0
    assert await effects(database, account) == before


@each
async def test_after_a_day_the_key_is_free(make: Make, account: Account, database: Database) -> None:
    post = await make(caller_of(make, account))
    await post.send(caller_of(make, account))
    await change_key(database, account, expires_at=clock.now() - timedelta(seconds=1))
    answer = await post.send_other(caller_of(make, account))
    assert answer.is_success
    assert "idempotency-replayed" not in answer.headers


@each
async def test_of_many_at_once_one_has_the_effect(
    make: Make, account: Account, neighbour: Account, database: Database
) -> None:
    """As much of it as one alone has at the neighbour's."""
    alone, post = await make(caller_of(make, neighbour)), await make(caller_of(make, account))
    before = await effects(database, account)
    assert before == await effects(database, neighbour)
    expected = await alone.send(caller_of(make, neighbour))
    answers = await asyncio.gather(*(post.send(caller_of(make, account)) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {expected.status_code, 409}
    done = [answer for answer in answers if answer.is_success]
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    assert all(answer.json() == done[0].json() for answer in done)
    assert await effects(database, account) == await effects(database, neighbour) != before


@contextmanager
def dying(names: Iterable[str]) -> Iterator[dict[str, tuple[int, subprocess.Popen[bytes]]]]:
    """An API for each, that dies when it begins to answer a POST: its port and itself."""
    processes = {}
    try:
        for name in names:
            port = free_port()
            processes[name] = port, subprocess.Popen([sys.executable, "-m", "tests.dying", str(port)])
        yield processes
    finally:
        for _, process in processes.values():
            process.kill()
            process.wait()


async def until_alive(caller: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(httpx.ConnectError):
                assert (await caller.get("/health/live")).is_success
                return
            await asyncio.sleep(0.2)


@pytest.mark.timeout(180)
async def test_a_crash_between_commit_and_answer_loses_nothing_and_doubles_nothing(
    account: Account, database: Database, settings: Settings
) -> None:
    """Each POST has its process killed with SIGKILL; then it is repeated at another."""
    with dying(MAKES) as processes:
        for name, (port, process) in processes.items():
            mine = caller_of(MAKES[name], account)
            post = await MAKES[name](mine)
            before = await effects(database, account)
            url = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url, headers=dict(mine.headers), timeout=30) as caller:
                await until_alive(caller)
                with pytest.raises(httpx.TransportError):
                    await post.send(caller)
            assert process.wait(10) == -signal.SIGKILL
            after = await effects(database, account)
            assert after != before, name
            again = await post.send(mine)
            assert (again.is_success, again.headers.get("idempotency-replayed")) == (True, "true"), (name, again.text)
            assert await effects(database, account) == after, name
            await change_key(database, account, expires_at=clock.now() - timedelta(seconds=1))
    async with database.transaction() as session:
        assert await verify(session) == []
