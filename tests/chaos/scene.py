"""The stage of the crash points: a database, the vendor, an API, victims, and who finishes what they left."""

import asyncio
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import uvicorn

from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.http import Http
from app.core.ids import decode
from app.core.settings import Settings
from app.generation import advance
from app.generation.advance import Engine
from app.ledger.verify import verify
from app.main import create_app
from app.providers.catalog import Catalog
from tests.chaos import chaosco
from tests.chaos.audit import Audit, check_calls, check_rows
from tests.chaos.awaits import Moment
from tests.chaos.customers import ENDED
from tests.chaos.stack import PRICE, ROOT, install_plugin
from tests.chaos.vendor import Vendor
from tests.chaos.victims import WAITS
from tests.conftest import REACHABLE, Account, free_port, make_account

FINISH_SECONDS = 120
OVERDUE = (
    "update tasks set status = 'processing', started_at = now(), deadline_at = now(), wake_at = now() where id = $1"
)


@dataclass(frozen=True)
class Kind:
    """A way a task can go. `script` is how the vendor takes its calls, and `made` what becomes of the first result."""

    name: str
    model: str
    script: tuple[str, ...] = ()
    made: str = "fine"
    is_overdue: bool = False
    by_url: bool = False
    """An item of a batch, whose image a worker brings in first."""
    end: str = "succeeded"


class Victims:
    """The server of victims, in a process of its own."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.victims"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self.log = log

    async def ready(self) -> None:
        await asyncio.to_thread(self._read)

    async def meet(self, moment: Moment | None, work: str, **arguments: Any) -> dict[str, Any]:
        """How one victim ended, the places it waited at, and the largest batch of its lanes."""

        def speak() -> Any:
            order = {"work": work, "moment": asdict(moment) if moment else None, "arguments": arguments}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            return self._read()

        answer: dict[str, Any] = await asyncio.to_thread(speak)
        assert answer["code"] in (0, -9), self.log.read_text()[-3000:]
        return answer

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text()[-3000:]
        return json.loads(line)

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


@dataclass
class Scene:
    vendor: Vendor
    victims: Victims
    account: Account
    engine: Engine
    database_url: str
    image: str
    killed: set[str] = field(default_factory=set)
    """The places somebody was killed at."""
    met: set[str] = field(default_factory=set)
    """All that anybody waited at."""

    def body(self, kind: Kind) -> dict[str, Any]:
        """An order of that kind, which can be told from every other."""
        number = uuid4().hex
        order = {"model": kind.model, "provider": "chaosco", "metadata": {"order": number}}
        if not kind.script and kind.made == "fine":
            return {"operation": "upscale", "input": {"image": self.image, "scale": 2}, **order}
        self.vendor.scripts[number], self.vendor.ends[number] = deque(kind.script), kind.made
        return {"operation": "text_to_image", "input": {"prompt": number}, **order}

    def batch(self, kind: Kind, images: Sequence[str]) -> dict[str, Any]:
        """The same with so many images, as a batch."""
        order = self.body(kind)
        del order["input"]["image"]
        return order | {"defaults": order.pop("input"), "items": [{"input": {"image": image}} for image in images]}

    async def order(self, kind: Kind) -> str:
        if kind.by_url:
            url = f"{self.vendor.url}/pictures/{uuid4().hex}"
            answer = await self.account.live.post("/v1/batches", json=self.batch(kind, [url]))
        else:
            answer = await self.account.live.post("/v1/tasks", json=self.body(kind))
        assert answer.status_code == 202, answer.text
        task_id = str(answer.json()["items"][0]["task_id"] if kind.by_url else answer.json()["id"])
        if kind.is_overdue:
            await self.fetch(OVERDUE, decode("task", task_id))
        return task_id

    async def fetch(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *args)
            return rows
        finally:
            await connection.close()

    async def whole(self, work: str, **arguments: Any) -> dict[str, Any]:
        """A victim that is not killed."""
        ended = await self.victims.meet(None, work, **arguments)
        assert ended["code"] == 0
        self.met |= set(ended["seen"])
        return ended

    async def finish(self, task_id: str) -> str:
        """Be the worker that comes after: the task's end, or `reconciling` where nobody can say."""
        row_id = decode("task", task_id)
        async with asyncio.timeout(FINISH_SECONDS):
            while True:
                await advance.advance_task(self.engine, row_id)
                task = (await self.account.live.get(f"/v1/tasks/{task_id}")).json()
                if task["status"] in ENDED or (task["status"] == "reconciling" and task["model"].endswith("blind")):
                    return str(task["status"])
                await asyncio.sleep(0.2)

    async def decide(self, task_id: str) -> str:
        """The deadline of a task nobody can tell about has come."""
        await self.fetch("update tasks set deadline_at = now(), wake_at = now() where id = $1", decode("task", task_id))
        await advance.advance_task(self.engine, decode("task", task_id))
        return str((await self.account.live.get(f"/v1/tasks/{task_id}")).json()["status"])

    async def post(self, path: str, idempotency_key: str, body: dict[str, Any]) -> httpx.Response:
        return await self.account.live.post(path, json=body, headers={"Idempotency-Key": idempotency_key})

    async def audit(self) -> Audit:
        result = Audit()
        connection = await asyncpg.connect(self.database_url)
        try:
            await check_rows(connection, result, self.engine.settings.data / "files")
            await check_calls(connection, result, self.vendor)
        finally:
            await connection.close()
        async with self.engine.database.transaction() as session:
            for breach in await verify(session):
                result.found("the ledger's invariants hold", str(breach))
        return result


@asynccontextmanager
async def setting(folder: Path, database_url: str, redis_url: str) -> AsyncIterator[Scene]:
    install_plugin(folder / "plugins")
    vendor = Vendor(
        Random(1), calm=True, seconds=(0.05, 0.1), polls=(0.03, 0.06), urls=1, host=REACHABLE, retry_after=0.05
    )
    await vendor.start()
    port = free_port()
    environment = {
        "BACKLOT_DATABASE_URL": database_url,
        "BACKLOT_REDIS_URL": redis_url,
        "BACKLOT_DATA": str(folder / "data"),
        "BACKLOT_API_PORT": str(port),
        "BACKLOT_API_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BACKLOT_EGRESS_ALLOW": f"{REACHABLE}/32",
        "BACKLOT_LOG_LEVEL": "error",
        "BACKLOT_TASKS_LEASE_SECONDS": "1",
        "BACKLOT_PROVIDERS_ENABLED": "chaosco",
        "BACKLOT_PROVIDERS_BREAKER_SECONDS": "0",  # what a killed process broke off would count
        "BACKLOT_LEDGER_SIGNUP_CREDITS": "100000",
        "CHAOSCO_URL": vendor.url,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        for module, name in WAITS:
            patch.setattr(module, name, 0.05)
        patch.syspath_prepend(str(folder / "plugins"))
        patch.setenv("PYTHONPATH", os.pathsep.join((str(folder / "plugins"), os.environ.get("PYTHONPATH", ""))))
        victims = Victims(dict(os.environ), folder / "victims.log")
        settings = Settings(_env_file=None)  # type: ignore[call-arg]
        redis = queue.connect(settings)
        database = Database(settings, redis)
        server = uvicorn.Server(
            uvicorn.Config(create_app(settings), port=port, http=Http, log_config=None, lifespan="on")
        )
        serving = asyncio.create_task(server.serve())
        while not server.started:
            assert not serving.done(), serving.exception()
            await asyncio.sleep(0.01)
        account = await make_account(settings, database)
        connection = await asyncpg.connect(database_url)
        for operation in chaosco.OPERATIONS:
            await connection.execute("insert into prices values ($1, 'chaosco', '*', $2)", operation, PRICE)
        await connection.close()
        engine = Engine(settings, database, Catalog.load(settings), await AssetTools.open(settings))
        await victims.ready()
        yield Scene(vendor, victims, account, engine, database_url, await account.upload())
        victims.stop()
        await account.live.aclose()
        await account.test.aclose()
        server.should_exit = True
        await serving
        await engine.catalog.close()
        await engine.assets.close()
        await database.close()
        await redis.aclose(close_connection_pool=True)
        await vendor.stop()
