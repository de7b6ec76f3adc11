"""The promise of durability, on the whole stack as `backlot dev` runs it: kill what you like, the task ends once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from redis import Redis

from tests.conftest import PHOTOS

BACKLOT = Path(sys.executable).with_name("backlot")
WITHIN_SECONDS = 30
pytestmark = pytest.mark.xdist_group("survival")


class Stack:
    """A running `backlot dev`."""

    def __init__(self, data: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")}
        self.data = data
        self.environment = environment
        self.log = (data.parent / "dev.log").open("wb")
        self.process = subprocess.Popen(
            [BACKLOT, "dev", "--json", "--data", data, "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.api = httpx.Client(
            base_url=self.ready["url"], headers={"X-API-Key": self.ready["api_key"]}, timeout=WITHIN_SECONDS + 10
        )

    def workers(self) -> list[psutil.Process]:
        """The live worker processes; not those of their image work."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "worker" in child.cmdline()]

    def valkey(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if "valkey" in child.name() or "valkey" in child.exe())

    def order(self, scale: int = 4) -> str:
        """A task that takes some seconds."""
        photo = (PHOTOS / "coffee.jpg").read_bytes()
        asset = self.api.post("/v1/assets", files={"file": ("coffee.jpg", photo)}).json()
        body = {"operation": "upscale", "input": {"image": asset["id"], "scale": scale}}
        answer = self.api.post("/v1/tasks", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def wait_until_processing(self, task_id: str) -> None:
        until = time.monotonic() + 20
        while self.api.get(f"/v1/tasks/{task_id}").json()["status"] == "pending":
            assert time.monotonic() < until
            time.sleep(0.02)

    def end_of(self, task_id: str) -> tuple[dict[str, Any], float]:
        """The ended task, and how long it took from now."""
        started = time.monotonic()
        while True:
            with suppress(httpx.TransportError):
                task = self.api.get(f"/v1/tasks/{task_id}", params={"wait": 2}).json()
                if task.get("status") in ("succeeded", "failed", "canceled"):
                    return task, time.monotonic() - started
            assert time.monotonic() - started < 3 * WITHIN_SECONDS, task

    def charges(self, task_id: str) -> list[float]:
        moved = self.api.get("/v1/credits/transactions", params={"limit": 100}).json()["data"]
        return [row["amount"] for row in moved if row["task_id"] == task_id]

    def verify(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BACKLOT, "ledger", "verify"],
            env={**self.environment, "BACKLOT_DATABASE_URL": self.ready["database_url"]},
            cwd=self.data.parent,
            capture_output=True,
            text=True,
        )

    def stop(self) -> None:
        self.api.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("survival") / "data")
    yield stack
    stack.stop()


def _ended_once(stack: Stack, task_id: str) -> None:
    task, seconds = stack.end_of(task_id)
    assert task["status"] == "succeeded", task
    assert seconds < WITHIN_SECONDS
    assert len(task["outputs"]) == 1
    assert stack.charges(task_id) == [-1]
    checked = stack.verify()
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_worker_killed_in_the_middle_of_a_task(stack: Stack) -> None:
    task_id = stack.order()
    stack.wait_until_processing(task_id)
    for worker in stack.workers():
        worker.send_signal(signal.SIGKILL)
    _ended_once(stack, task_id)


def test_valkey_killed_in_the_middle_of_a_task(stack: Stack) -> None:
    task_id = stack.order()
    stack.wait_until_processing(task_id)
    stack.valkey().send_signal(signal.SIGKILL)
    _ended_once(stack, task_id)


def test_everything_in_valkey_flushed_right_after_an_order(stack: Stack) -> None:
    redis = Redis.from_url(stack.ready["redis_url"])
    tasks = []
    for _ in range(2):
        tasks.append(stack.order(scale=2))
        redis.flushall()
    redis.close()
    for task_id in tasks:
        _ended_once(stack, task_id)
    assert stack.api.get("/v1/credits").json()["held"] == 0


def test_worker_and_valkey_killed_at_once(stack: Stack) -> None:
    task_id = stack.order(scale=2)
    for process in (*stack.workers(), stack.valkey()):
        process.send_signal(signal.SIGKILL)
    _ended_once(stack, task_id)


def test_a_breach_is_named(stack: Stack) -> None:
    """Last: it spoils the books."""

    async def spoil() -> None:
        connection = await asyncpg.connect(stack.ready["database_url"])
        await connection.execute("update credit_accounts set balance = balance + 1000000 where mode = 'live'")
        await connection.close()

    asyncio.run(spoil())
    checked = stack.verify()
    assert checked.returncode == 1
    assert "I5" in checked.stdout + checked.stderr
