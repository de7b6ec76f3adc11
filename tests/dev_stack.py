"""The whole stack as `backlot dev` runs it, for tests that look at it from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.conftest import PHOTOS

BACKLOT = Path(sys.executable).with_name("backlot")
WITHIN_SECONDS = 30


class Stack:
    """A running `backlot dev`."""

    def __init__(self, data: Path, **settings: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")} | settings
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
