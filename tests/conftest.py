"""Real servers for the tests: PostgreSQL and Valkey once per run, a database cloned for each process of the run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.accounts.keys import service as accounts
from app.accounts.models import User
from app.accounts.sessions import access
from app.accounts.sessions import service as sessions
from app.accounts.sessions.keyring import Keyring
from app.core import queue
from app.core.db import Database
from app.core.http import Http
from app.core.settings import Settings, get_settings
from app.core.visitor import Visitor
from app.embedded import ports
from app.main import create_app
from tests import stack
from workers import settings as workers
from workers.resilient import ResilientWorker

NEEDS_SERVERS = frozenset({"urls", "settings", "database", "server", "account"})
PHOTOS = Path(__file__).parent.parent / "examples" / "photos"
REACHABLE = "127.0.0.2"
"""The one loopback address the guarded client may reach in tests."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[stack.EXITS] = ExitStack()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[stack.EXITS].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The process that hands out the tests starts the servers, and tells each xdist worker where they are."""
    if "not db" not in node.config.option.markexpr:
        node.workerinput["urls"] = stack.shared_urls(node.config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if NEEDS_SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.db)
    # What has to stay in one process takes long: begun first, the rest fits around it.
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
    for item in items:
        _keep_in_group(item)


def _keep_in_group(item: pytest.Item) -> None:
    """Groups are told by a suffix of the id, which xdist 3.8 writes where pytest 9.2 does not look for it."""
    group = item.get_closest_marker("xdist_group")
    if group is not None and hasattr(item.config, "workerinput") and "@" not in item.nodeid.rpartition("]")[2]:
        object.__setattr__(item._id, "_str_cache", f"{item.nodeid}@{group.args[0]}")


@pytest.fixture(scope="session")
def urls(request: pytest.FixtureRequest) -> dict[str, str]:
    """Where this test process's own database and Redis database are."""
    worker = getattr(request.config, "workerinput", None)
    shared = worker["urls"] if worker else stack.shared_urls(request.config)
    name = worker["workerid"] if worker else "main"
    number = int(name.removeprefix("gw")) + 1 if worker else 0
    redis = urlunsplit(urlsplit(shared["redis"])._replace(path=f"/{number}"))
    return {"database": stack.clone(shared["database"], f"backlot_test_{name}"), "redis": redis}


_given: set[int] = set()


def free_port() -> int:
    """One that nobody else is given before its server listens, nor the kernel takes for a connection that goes out."""
    while (port := ports.pick()) in _given:
        pass
    _given.add(port)
    return port


@pytest.fixture(scope="session")
def settings(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of the application under test, given to it by the environment as anybody would."""
    port = free_port()
    environment = {
        "BACKLOT_DATABASE_URL": urls["database"],
        "BACKLOT_REDIS_URL": urls["redis"],
        "BACKLOT_DATA": str(tmp_path_factory.mktemp("data")),
        "BACKLOT_API_PORT": str(port),
        "BACKLOT_API_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BACKLOT_EGRESS_ALLOW": f"{REACHABLE}/32",
        "BACKLOT_EGRESS_TOTAL_SECONDS": "3",
        # Each test may come from a network of its own; those that do not are many from one.
        "BACKLOT_API_TRUSTED_PROXIES": "127.0.0.1",
        "BACKLOT_AUTH_PACE_SECONDS": "0",
        "BACKLOT_AUTH_SIGNUPS_PER_NETWORK": "100000",
        "BACKLOT_AUTH_MAILS_PER_NETWORK": "100000",
        "BACKLOT_AUTH_LINKS_PER_NETWORK": "100000",
        "BACKLOT_AUTH_FAILURES_PER_NETWORK": "100000",
        "BACKLOT_LOG_LEVEL": "warning",
        "BACKLOT_TASKS_LEASE_SECONDS": "3",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        get_settings.cache_clear()
        yield get_settings()
    get_settings.cache_clear()


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    redis = queue.connect(settings)
    database = Database(settings, redis)
    yield database
    await database.close()
    await redis.aclose(close_connection_pool=True)


@pytest.fixture(scope="session")
async def server(settings: Settings) -> AsyncIterator[FastAPI]:
    """The API, answering real HTTP at `settings.api.public_url`."""
    app = create_app(settings)
    server = uvicorn.Server(
        uvicorn.Config(app, port=settings.api.port, http=Http, log_config=None, lifespan="on", proxy_headers=False)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), serving.exception()
        await asyncio.sleep(0.01)
    yield app
    server.should_exit = True
    await serving


@pytest.fixture(scope="module")
async def running_workers(settings: Settings) -> AsyncIterator[list[ResilientWorker]]:
    """Both workers, in this process; not longer than the module wants them, or they would do other tests' tasks."""
    running = [workers.make(name, handle_signals=False) for name in workers.WORKERS]
    tasks = [asyncio.create_task(worker.async_run()) for worker in running]
    yield running
    for worker in running:
        await worker.close()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Account:
    """A customer with a workspace of their own: a live and a test client."""

    email: str
    workspace_id: UUID
    key: str
    test_key: str
    live: httpx.AsyncClient
    test: httpx.AsyncClient
    person: httpx.AsyncClient
    """The user, signed in."""
    extra: dict[str, Any] = field(default_factory=dict)

    async def upload(self, content: bytes | None = None, name: str = "coffee.jpg") -> str:
        """The id of a new asset."""
        content = (PHOTOS / "coffee.jpg").read_bytes() if content is None else content
        answer = await self.live.post("/v1/assets", files={"file": (name, content)})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def finished(self, task_id: str, seconds: int = 60) -> dict[str, Any]:
        """The task when it has ended."""
        answer = await self.live.get(f"/v1/tasks/{task_id}", params={"wait": seconds}, timeout=seconds + 5)
        task: dict[str, Any] = answer.json()
        assert task["status"] in ("succeeded", "failed", "canceled"), task
        return task


async def _nothing_has_no_type(answer: httpx.Response) -> None:
    """Holds for whatever any test asks for."""
    assert answer.status_code not in (204, 304) or "content-type" not in answer.headers


def client(settings: Settings, key: str | None = None, **headers: str) -> httpx.AsyncClient:
    if key:
        headers["Authorization"] = f"Bearer {key}"
    hooks = {"response": [_nothing_has_no_type]}
    return httpx.AsyncClient(base_url=settings.api.public_url, headers=headers, timeout=30, event_hooks=hooks)


async def signed_in(settings: Settings, database: Database, user_id: UUID, **headers: str) -> httpx.AsyncClient:
    """A client with the access token of a new session, confirmed just now."""
    async with database.transaction() as session:
        user = await session.get_one(User, user_id)
        visitor = Visitor("192.0.2.1", "tests")
        made = await sessions.start(session, settings, user, visitor, kind="bearer", is_confirmed=True)
    signer = await Keyring(settings, database).signer()
    return client(settings, access.make(settings, signer, user_id, made.id, made.expires_at), **headers)


async def make_account(settings: Settings, database: Database) -> Account:
    email = f"{uuid4().hex}@example.com"
    async with database.transaction() as session:
        row, key = await accounts.issue_key(session, email=email, mode="live", name="tests")
        _, test_key = await accounts.issue_key(session, email=email, mode="test", name="tests")
    person = await signed_in(settings, database, row.user_id)
    return Account(email, row.workspace_id, key, test_key, client(settings, key), client(settings, test_key), person)


@pytest.fixture
async def account(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Account]:
    """A new customer, so that tests cannot see each other's data."""
    made = await make_account(settings, database)
    yield made
    for opened in (made.live, made.test, made.person):
        await opened.aclose()


@pytest.fixture
async def neighbour(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Account]:
    """Another customer."""
    made = await make_account(settings, database)
    yield made
    for opened in (made.live, made.test, made.person):
        await opened.aclose()
