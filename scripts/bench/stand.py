"""The test stand: PostgreSQL and Valkey of their own, and the product's processes as an operator runs them."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psutil

from app.accounts.keys import service as accounts
from app.accounts.models import Mode
from app.core import queue
from app.core.db import DIRECT_PLANS, Database
from app.core.settings import Settings
from app.embedded import ports
from app.plans import service as plans

BACKLOT = [sys.executable, "-P", "-m", "app.cli"]
START_SECONDS = 60
MEBIBYTE = 1024 * 1024
BIG_PLAN = "enterprise"


@dataclass(frozen=True, slots=True)
class Customer:
    workspace_id: UUID
    key_id: UUID
    secret: str


@dataclass
class Stand:
    """Servers that are up, and where."""

    prepared_url: str
    redis_url: str
    folder: Path
    database_url: str = field(init=False)
    customers: list[Customer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database_url = self.prepared_url

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")}
        return kept | {
            "BACKLOT_DATABASE_URL": self.database_url,
            "BACKLOT_REDIS_URL": self.redis_url,
            "BACKLOT_DATA": str(self.folder / "files"),
            "BACKLOT_LEDGER_TEST_CREDITS": "1000000000",
            "BACKLOT_LOG_LEVEL": "warning",
        }

    def migrate(self) -> None:
        subprocess.run([*BACKLOT, "migrate"], env=self.environment, check=True, stdout=subprocess.DEVNULL)

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.database_url)

    async def run(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        connection = await self.connect()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values, timeout=3600)
            return rows
        finally:
            await connection.close()

    async def settle(self) -> None:
        """What the server would do by and by is done now, so that it disturbs nothing later."""
        connection = await self.connect()
        await connection.execute("vacuum analyze", timeout=3600)
        await connection.execute("checkpoint", timeout=600)
        await connection.close()

    async def fresh(self) -> None:
        """A database as it was when the accounts were opened: nobody has ordered yet. No process may be running."""
        name = "fresh"
        connection = await asyncpg.connect(self.prepared_url, database="postgres")
        await connection.execute(f"drop database if exists {name} with (force)")
        await connection.execute(f"create database {name} template {_name(self.prepared_url)}")
        await connection.close()
        self.database_url = f"{self.prepared_url.rpartition('/')[0]}/{name}"

    async def until_done(self, seconds: float = 300) -> None:
        """Until no task is open. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while await self.run("select 1 from tasks where completed_at is null limit 1"):  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    async def open_accounts(self, count: int, mode: Mode = "test") -> None:
        """So many customers with keys, on the largest plan; and a fresh database that knows them."""
        settings = Settings(_env_file=None, database={"url": self.prepared_url}, redis={"url": self.redis_url})
        redis = queue.connect(settings)
        database = Database(settings, redis)
        for number in range(len(self.customers), count):
            email = f"customer{number}@example.com"
            async with database.transaction() as session:
                key, secret = await accounts.issue_key(session, email=email, mode=mode, name="bench")
                await plans.assign_plan(session, email, BIG_PLAN)
            self.customers.append(Customer(key.workspace_id, key.id, secret))
        await database.close()
        await redis.aclose(close_connection_pool=True)
        await self.fresh()

    @asynccontextmanager
    async def api(self, **environment: str) -> AsyncIterator[tuple[int, psutil.Process]]:
        """One API process: its port and itself."""
        port = ports.pick()
        with self._process([*BACKLOT, "serve", "--port", str(port)], environment) as process:
            await _until_up(f"http://127.0.0.1:{port}/health/live", process)
            yield port, process

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[int]:
        """The bare routes (scripts/bench/bare.py): their port."""
        port = ports.pick()
        command = [sys.executable, "-m", "scripts.bench.bare", str(port)]
        with self._process(command, {}) as process:
            await _until_up(f"http://127.0.0.1:{port}/", process)
            yield port

    @contextmanager
    def worker(self, name: str = "generation", **environment: str) -> Iterator[psutil.Process]:
        """One worker of that queue."""
        with self._process([*BACKLOT, "worker", name], environment) as process:
            yield process

    @contextmanager
    def _process(self, command: list[str], environment: dict[str, str]) -> Iterator[psutil.Process]:
        process = subprocess.Popen(command, env=self.environment | environment, stdout=subprocess.DEVNULL)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)

    async def pgbench(self, script: str, *, clients: int = 16, seconds: int = 5) -> float:
        """Transactions per second of a script, from PostgreSQL's own tool: what the database can do at most."""
        file = self.folder / "script.sql"
        file.write_text(script)
        process = await asyncio.create_subprocess_exec(
            *(str(_programs() / "pgbench"), "--no-vacuum", "--protocol", "prepared", "--file", str(file)),
            *("--client", str(clients), "--time", str(seconds), self.database_url),
            env=os.environ | {"PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in DIRECT_PLANS.items())},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = await process.communicate()
        for line in output.decode().splitlines():
            if line.startswith("tps = "):
                return float(line.split()[2])
        raise RuntimeError(errors.decode())


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def memory(process: psutil.Process) -> float:
    """MiB of a process and its children, shared pages counted once (PSS)."""
    return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True))) / MEBIBYTE


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU a process and its living children have used."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def _programs() -> Path:
    from app.embedded.binaries import find_programs

    return find_programs(None)


async def _until_up(url: str, process: psutil.Process) -> None:
    give_up = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient() as client:
        while time.monotonic() < give_up and process.status() != psutil.STATUS_ZOMBIE:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")
