"""What the API says of itself, and what it answers, while something it needs is down."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from app.core.db import Database
from app.core.ids import decode
from app.core.problems import CONTENT_TYPE
from app.core.settings import Settings
from app.generation import queries
from app.main import create_app
from tests.conftest import Account, client, free_port
from tests.core.application import running

IN_TIME = 4.0
"""Of a check, which may take two seconds, on a busy machine."""


def without(settings: Settings, group: str, port: int | None = None) -> Settings:
    """The same, but nobody is at home where this dependency should be (or somebody who never says a word)."""
    kept = getattr(settings, group)
    scheme = kept.url.get_secret_value().partition("://")[0]
    url = SecretStr(f"{scheme}://nobody:secret@127.0.0.1:{port or free_port()}/0")
    return settings.model_copy(update={group: kept.model_copy(update={"url": url})})


@asynccontextmanager
async def mute() -> AsyncIterator[int]:
    """The port of a server that accepts, and never answers."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_all_is_well(account: Account, settings: Settings) -> None:
    async with client(settings) as caller:
        live, ready = await caller.get("/health/live"), await caller.get("/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert ready.status_code == 200
    assert ready.json() == {"status": "ok", "dependencies": {"database": "ok", "redis": "ok", "storage": "ok"}}


@pytest.mark.parametrize(("group", "name"), [("database", "database"), ("redis", "redis")])
async def test_what_is_down_is_named(settings: Settings, group: str, name: str) -> None:
    async with running(without(settings, group)) as caller:
        begun = time.monotonic()
        ready, live = await caller.get("/health/ready"), await caller.get("/health/live")
        assert time.monotonic() - begun < IN_TIME
    assert ready.status_code == 503
    assert int(ready.headers["retry-after"]) > 0
    assert ready.json()["status"] == "down"
    assert {which for which, state in ready.json()["dependencies"].items() if state == "down"} == {name}
    assert "secret" not in ready.text
    assert live.status_code == 200


@pytest.mark.parametrize("group", ["database", "redis"])
async def test_what_never_answers_is_down_too(settings: Settings, group: str) -> None:
    async with mute() as port, running(without(settings, group, port)) as caller:
        begun = time.monotonic()
        ready = await caller.get("/health/ready")
        assert time.monotonic() - begun < IN_TIME
        assert ready.json()["dependencies"][group] == "down"


async def test_a_full_disk_or_lost_folder_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise OSError("read-only file system")

    async with running(settings) as caller:
        app: Any = caller._transport.app  # type: ignore[attr-defined]
        monkeypatch.setitem(app.state.checks, "storage", fail)
        ready = await caller.get("/health/ready")
    assert (ready.status_code, ready.json()["dependencies"]["storage"]) == (503, "down")
    assert "read-only" not in ready.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/credits"), ("GET", "/v1/operations"), ("GET", "/v1/tasks"), ("POST", "/v1/tasks")],
)
async def test_without_the_database_one_is_asked_to_come_back(
    account: Account, settings: Settings, method: str, path: str
) -> None:
    order = {"operation": "upscale", "input": {}} if method == "POST" else None
    async with running(without(settings, "database"), account.key) as caller:
        answer = await caller.request(method, path, json=order)
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down"), answer.text
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    for inside in ("secret", "postgres", "127.0.0.1", "Errno"):
        assert inside not in answer.text


async def test_what_needs_no_database_goes_on_without(settings: Settings) -> None:
    async with running(without(settings, "database")) as caller:
        for path in ("/v1/problems", "/v1/presets", "/openapi.json"):
            assert (await caller.get(path)).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.TooManyConnectionsError("too many clients"),
        asyncpg.ConnectionDoesNotExistError("gone"),
        DBAPIError("select 1", (), asyncpg.AdminShutdownError("terminating")),
        DBAPIError("select 1", (), asyncpg.QueryCanceledError("statement timeout")),
    ],
    ids=lambda fault: type(getattr(fault, "orig", fault)).__name__,
)
async def test_a_database_that_is_going_or_coming_is_down(settings: Settings, fault: Exception) -> None:
    app = create_app(settings)

    async def fail() -> None:
        raise fault

    app.add_api_route("/fail", fail)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as caller:
        answer = await caller.get("/fail")
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down")


async def test_a_connection_the_server_ends_is_made_anew(account: Account, database: Database) -> None:
    """After a restart of PostgreSQL every pooled connection is dead: nobody may notice."""
    assert (await account.live.get("/v1/credits")).status_code == 200
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    answers = await asyncio.gather(*(account.live.get("/v1/credits") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_without_redis_tasks_are_accepted_and_found_later(
    account: Account, settings: Settings, database: Database
) -> None:
    asset_id = await account.upload()
    order = {"operation": "transform_image", "input": {"image": asset_id, "width": 8}}
    async with running(without(settings, "redis"), account.key) as caller:
        begun = time.monotonic()
        answer = await caller.post("/v1/tasks", json=order, headers={"Idempotency-Key": "k"})
        assert time.monotonic() - begun < IN_TIME
        assert answer.status_code == 202
        assert (await caller.get(answer.headers["location"])).json()["status"] == "pending"
        waited = await caller.get(answer.headers["location"], params={"wait": 1})
        assert waited.status_code == 200
        again = await caller.post("/v1/tasks", json=order, headers={"Idempotency-Key": "k"})
        assert again.json()["id"] == answer.json()["id"]
    task_id = decode("task", answer.json()["id"])
    lease, deadline = timedelta(seconds=0.1), timedelta(minutes=1)
    [claimed] = await queries.claim(database, only=task_id, lease=lease, deadline=deadline)
    assert claimed.task.id == task_id
    await account.live.post(f"/v1/tasks/{answer.json()['id']}/cancel")
