"""The API over HTTP and a worker moved by hand, both with the real adapters, against the vendors' servers."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from PIL import Image
from sqlalchemy import text

from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.http import Http
from app.core.ids import decode
from app.core.settings import Settings
from app.generation import advance
from app.generation.advance import Engine
from app.main import create_app
from app.providers.catalog import Catalog
from app.providers.keys import KeyRing
from tests.conftest import Account, free_port, make_account
from tests.generation.conftest import forget_breakers
from tests.vendors.peer import Peer
from tests.vendors.roster import environment

ENDED = ("succeeded", "failed", "canceled")
LOOKS = 40
PAUSE_SECONDS = 0.03


class Lines(logging.Handler):
    """Every line that is logged, by anybody, whole."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.msg} {record.args} {record.exc_info}")


@asynccontextmanager
async def api(peers: Iterable[Peer], **given: str) -> AsyncIterator[Settings]:
    """The API as it is started by an operator who set its environment so."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = {"API_PORT": str(port), "API_PUBLIC_URL": url, "PROVIDERS_CALLBACK_URL": url, "LEDGER_SIGNUP_CREDITS": "200"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment(peers) | {f"BACKLOT_{name}": value for name, value in own.items()}).items():
            patch.setenv(name, value)
        for name, value in given.items():
            patch.setenv(f"BACKLOT_{name}", value)
        settings = Settings(_env_file=None)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=port, http=Http, log_config=None, lifespan="on"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), serving.exception()
        await asyncio.sleep(0.01)
    yield settings
    server.should_exit = True
    await serving


def is_in(key: str, content: str) -> bool:
    """Also as PostgreSQL writes bytes."""
    return key in content or key.encode().hex() in content


@dataclass
class Studio:
    """One customer, and a worker that has seen nothing yet."""

    account: Account
    engine: Engine
    peers: Mapping[str, Peer]
    lines: Lines
    told: list[str] = field(default_factory=list)
    """Every answer of the API."""

    def wait_for_answers(self, *, seconds: float) -> None:
        settings = self.engine.settings
        tasks = settings.tasks.model_copy(update={"provider_call_seconds": seconds})
        self.engine = replace(self.engine, settings=settings.model_copy(update={"tasks": tasks}))

    async def order(self, operation: str, values: Mapping[str, Any], **fields: Any) -> str:
        """The id of the task; no worker hears of it."""
        body = {"operation": operation, "input": dict(values), **fields}
        answer = await self.account.live.post("/v1/tasks", json=body)
        self.told.append(answer.text)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def read(self, task_id: str) -> dict[str, Any]:
        answer = await self.account.live.get(f"/v1/tasks/{task_id}")
        self.told.append(answer.text)
        task: dict[str, Any] = answer.json()
        return task

    async def advance(self, task_id: str) -> dict[str, Any]:
        """One look at it by the worker, due or not."""
        row = decode("task", task_id)
        await self._set(row, "wake_at = now() - interval '1 s'")
        await advance.advance_task(self.engine, row)
        return await self.read(task_id)

    async def finish(self, task_id: str, until: Iterable[str] = ENDED) -> dict[str, Any]:
        """The task when it has ended, or is in one of these states."""
        for _ in range(LOOKS):
            task = await self.advance(task_id)
            if task["status"] in until:
                return task
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(task)

    async def run_out(self, task_id: str) -> dict[str, Any]:
        """The task when its time is up."""
        await self._set(decode("task", task_id), "deadline_at = now()")
        return await self.advance(task_id)

    async def _set(self, row: UUID, change: str) -> None:
        async with self.engine.database.transaction() as session:
            await session.execute(text(f"update tasks set {change} where id = :id"), {"id": row})

    async def do(self, operation: str, values: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        return await self.finish(await self.order(operation, values, **fields))

    async def spent(self) -> tuple[float, float]:
        """Credits charged, and held."""
        credits_ = (await self.account.live.get("/v1/credits")).json()
        return credits_["total_spent"], credits_["held"]

    async def pictures(self, task: Mapping[str, Any]) -> list[Image.Image]:
        """Its results, downloaded and decoded as a customer would."""
        made = []
        for output in task["outputs"]:
            answer = await self.account.live.get(output["urls"]["full"], follow_redirects=True)
            image = Image.open(io.BytesIO(answer.content))
            image.load()
            assert image.size == (output["width"], output["height"])
            made.append(image)
        return made

    async def upload(self, image: Image.Image) -> str:
        file = io.BytesIO()
        image.save(file, "PNG")
        return await self.account.upload(file.getvalue(), "photo.png")

    async def rows(self) -> str:
        """All that is in the database."""
        async with self.engine.database.transaction() as session:
            query = "select table_name from information_schema.tables where table_schema = 'public'"
            tables = (await session.execute(text(query))).scalars()
            found = [(await session.execute(text(f'select t::text from "{one}" t'))).scalars().all() for one in tables]
        return "\n".join(row for rows in found for row in rows)

    async def leaked(self) -> list[str]:
        """Where a vendor's key is to be seen, if anywhere."""
        keys = [key for peer in self.peers.values() for key in peer.keys]
        places = {"logs": "\n".join(self.lines.said), "answers": "\n".join(self.told), "rows": await self.rows()}
        return [f"{key} in {name}" for name, content in places.items() for key in keys if is_in(key, content)]


@asynccontextmanager
async def studio(
    settings: Settings, database: Database, tools: AssetTools, catalog: Catalog, peers: Mapping[str, Peer]
) -> AsyncIterator[Studio]:
    """With the API of these settings. The servers are well, and nobody knows anything of what was."""
    for name, peer in peers.items():
        peer.mend()
        vendor: Any = catalog.providers[name]
        vendor.keys = KeyRing(settings.providers.keys.get(name, ()))
    await forget_breakers(database)
    lines = Lines()
    logging.getLogger().addHandler(lines)
    account = await make_account(settings, database)
    engine = Engine(settings, database, catalog, tools)
    made = Studio(account, engine, peers, lines)
    yield made
    for peer in peers.values():
        await peer.called()
        assert peer.complaints == []
    assert await made.leaked() == []
    logging.getLogger().removeHandler(lines)
    for one in {id(one): one for one in (engine, made.engine)}.values():
        await one.heart.close()
    await account.live.aclose()
    await account.test.aclose()
