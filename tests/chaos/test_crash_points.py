"""A task's process is killed at every await of ours, and another one finishes what it left.

At each distinct place the first and the last time; with CHAOS_ALL=1 every time, both when something was `sent` and when
it was `answered`.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

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
from tests import stack
from tests.chaos import chaosco
from tests.chaos.audit import Audit, check_calls, check_rows
from tests.chaos.awaits import Moment
from tests.chaos.customers import ENDED
from tests.chaos.stack import PRICE, ROOT, install_plugin
from tests.chaos.vendor import Vendor
from tests.conftest import REACHABLE, Account, free_port, make_account

pytestmark = [pytest.mark.xdist_group("crash"), pytest.mark.timeout(1200)]
ALL = bool(os.environ.get("CHAOS_ALL"))
FINISH_SECONDS = 120


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
        """How one victim ended, and the places it waited at."""

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
    """A database of its own, the vendor, an API, and the survivor that finishes what victims left."""

    vendor: Vendor
    victims: Victims
    account: Account
    engine: Engine
    database_url: str
    image: str
    left: list[str] = field(default_factory=list)

    def body(self, model: str) -> dict[str, Any]:
        values = {"image": self.image, "scale": 2}
        return {"operation": "upscale", "input": values, "model": model, "provider": "chaosco"}

    async def order(self, model: str) -> str:
        answer = await self.account.live.post("/v1/tasks", json=self.body(model))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def finish(self, task_id: str) -> str:
        """Be the worker that comes after: the task's end, or `reconciling`."""
        row_id = decode("task", task_id)
        async with asyncio.timeout(FINISH_SECONDS):
            while True:
                await advance.advance_task(self.engine, row_id)
                status = (await self.account.live.get(f"/v1/tasks/{task_id}")).json()["status"]
                if status in (*ENDED, "reconciling"):
                    return str(status)
                await asyncio.sleep(0.2)

    async def decide(self, task_id: str) -> str:
        """The deadline of a task nobody can tell about has come."""
        row_id: UUID = decode("task", task_id)
        connection = await asyncpg.connect(self.database_url)
        await connection.execute("update tasks set deadline_at = now(), wake_at = now() where id = $1", row_id)
        await connection.close()
        await advance.advance_task(self.engine, row_id)
        return str((await self.account.live.get(f"/v1/tasks/{task_id}")).json()["status"])

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


@pytest.fixture(scope="module")
def database_url(urls: dict[str, str]) -> str:
    return stack.clone(urls["database"], f"backlot_crash_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")


@pytest.fixture(scope="module")
async def scene(
    urls: dict[str, str], database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("crash")
    install_plugin(folder / "plugins")
    vendor = Vendor(Random(1), calm=True, seconds=(0.05, 0.1), polls=(0.03, 0.06), urls=1, host=REACHABLE)
    await vendor.start()
    port = free_port()
    environment = {
        "BACKLOT_DATABASE_URL": database_url,
        "BACKLOT_REDIS_URL": urls["redis"],
        "BACKLOT_DATA": str(folder / "data"),
        "BACKLOT_API_PORT": str(port),
        "BACKLOT_API_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BACKLOT_EGRESS_ALLOW": f"{REACHABLE}/32",
        "BACKLOT_LOG_LEVEL": "error",
        "BACKLOT_TASKS_LEASE_SECONDS": "1",
        "BACKLOT_PROVIDERS_ENABLED": "chaosco",
        "BACKLOT_LEDGER_SIGNUP_CREDITS": "100000",
        "CHAOSCO_URL": vendor.url,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
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


def moments(seen: dict[str, int]) -> list[Moment]:
    """Of a whole run, those to be killed at."""
    found = []
    for place, times in seen.items():
        wanted = range(1, times + 1) if ALL else sorted({1, times})
        found += [Moment(place, nth, "answered") for nth in wanted]
        if ALL:
            found += [Moment(place, nth, "sent") for nth in wanted]
    return found


async def killed_at_each(scene: Scene, model: str) -> None:
    whole = await scene.victims.meet(None, "advance", task_id=str(decode("task", await scene.order(model))))
    assert whole["code"] == 0
    wanted = moments(whole["seen"])
    assert len(wanted) > 10, whole["seen"]
    killed: dict[str, Moment] = {}
    missed = 0
    for moment in wanted:
        task_id = await scene.order(model)
        ended = await scene.victims.meet(moment, "advance", task_id=str(decode("task", task_id)))
        missed += ended["code"] == 0
        killed[task_id] = moment
    assert missed <= len(wanted) // 4, "the places differ from one run to the next"
    statuses = dict(zip(killed, await asyncio.gather(*map(scene.finish, killed)), strict=True))
    for task_id, status in statuses.items():
        moment = killed[task_id]
        if status == "reconciling":
            assert model.endswith("blind"), moment
            assert await scene.decide(task_id) == "failed", moment
        else:
            assert status == "succeeded", (moment, status)
    assert (await scene.audit()).breaches == {}
    print(f"{model}: killed at {len(wanted) - missed} moments of {len(whole['seen'])} places, {missed} not met")


@pytest.mark.parametrize("model", chaosco.MODELS if ALL else ("now-blind", "later-findable"))
async def test_a_worker_killed_at_every_await(scene: Scene, model: str) -> None:
    await killed_at_each(scene, model)


async def test_an_api_process_killed_at_every_await_of_an_order(scene: Scene) -> None:
    key = scene.account.key
    body = scene.body("now-findable")
    order = {"key": key, "body": body}
    whole = await scene.victims.meet(None, "post", idempotency_key=uuid4().hex, **order)
    wanted = moments(whole["seen"])
    assert len(wanted) > 3, whole["seen"]
    missed, tasks = 0, set()
    for moment in wanted:
        again = uuid4().hex
        ended = await scene.victims.meet(moment, "post", idempotency_key=again, **order)
        missed += ended["code"] == 0
        answers = [await repeated(scene, again, body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202], (moment, answers[0].text)
        assert answers[0].json()["id"] == answers[1].json()["id"], moment
        tasks.add(answers[0].json()["id"])
    assert len(tasks) == len(wanted)
    connection = await asyncpg.connect(scene.database_url)
    made = await connection.fetchval("select count(*) from tasks where status = 'pending'")
    await connection.close()
    assert made == len(tasks) + 1
    assert (await scene.audit()).breaches == {}
    print(f"order: killed at {len(wanted) - missed} moments of {len(whole['seen'])} places, {missed} not met")


async def repeated(scene: Scene, key: str, body: dict[str, Any]) -> httpx.Response:
    """The client's retry with the same key; a claim the dead process left is made to have run out."""
    answer = await scene.account.live.post("/v1/tasks", json=body, headers={"Idempotency-Key": key})
    if answer.status_code != 409:
        return answer
    connection = await asyncpg.connect(scene.database_url)
    await connection.execute("update idempotency_keys set claimed_until = now() where key = $1", key)
    await connection.close()
    return await scene.account.live.post("/v1/tasks", json=body, headers={"Idempotency-Key": key})
