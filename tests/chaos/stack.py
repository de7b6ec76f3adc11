"""The stack under test: `backlot dev` with several processes of each kind, and the vendor's plug-in installed."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from app.accounts.keys import service as accounts
from app.core import queue
from app.core.db import Database
from app.core.settings import Settings
from tests.chaos import chaosco
from tests.conftest import free_port

ROOT = Path(__file__).parents[2]
BACKLOT = [sys.executable, "-P", "-m", "app.cli"]
START_SECONDS = 180
PRICE = 1_000_000


def install_plugin(folder: Path) -> None:
    """The package `backlot_chaosco`, as an installer would leave it there."""
    package = folder / "backlot_chaosco"
    package.mkdir(parents=True)
    shutil.copy(chaosco.__file__, package / "__init__.py")
    info = folder / "backlot_chaosco-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: backlot-chaosco\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[backlot.providers]\nchaosco = backlot_chaosco:Chaosco\n")


class Stack:
    """A running stack, and the ways to hurt it."""

    def __init__(self, folder: Path, vendor_url: str, settings: dict[str, str], *, workers: int = 2) -> None:
        self.folder, self.data = folder, folder / "data"
        self._workers = workers
        install_plugin(folder / "plugins")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")}
        path = os.pathsep.join(part for part in (str(folder / "plugins"), os.environ.get("PYTHONPATH")) if part)
        port = free_port()
        self.environment = {
            **kept,
            "PYTHONPATH": path,
            "CHAOSCO_URL": vendor_url,
            "BACKLOT_API_PORT": str(port),
            "BACKLOT_PROVIDERS_CALLBACK_URL": f"http://127.0.0.1:{port}",
            "BACKLOT_API_PROCESSES": "2",
            "BACKLOT_PROVIDERS_ENABLED": "chaosco,local",
            "BACKLOT_EGRESS_ALLOW": "127.0.0.0/8",
            "BACKLOT_LOG_LEVEL": "info",
            **settings,
        }
        self.ready: dict[str, Any] = {}

    async def start(self) -> None:
        self._log = (self.folder / "stack.log").open("ab")
        command = [*BACKLOT, "dev", "--json", "--data", str(self.data), "--workers", str(self._workers)]
        self.process = await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=self._log
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = await self.process.stdout.readline()
        assert line, f"the stack did not start: {(self.folder / 'stack.log').read_text()[-2000:]}"
        self.ready = json.loads(line)

    async def stop(self) -> int:
        """Its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(60):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
                return -9
            finally:
                self._log.close()
        return self.process.returncode or 0

    def log_lines(self) -> list[dict[str, Any]]:
        """What the API and the workers logged; other lines are left out."""
        lines = []
        for line in (self.folder / "stack.log").read_text(errors="replace").splitlines():
            if line.startswith("{"):
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    continue
        return lines

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.ready["database_url"], ssl=False, timeout=10)

    async def open_shop(self, workspaces: int) -> list[tuple[str, str]]:
        """Prices for the vendor's models, and the live and test key of so many new customers."""
        connection = await self.connect()
        for operation in chaosco.OPERATIONS:
            await connection.execute(
                "insert into prices (operation, provider, model, amount) values ($1, 'chaosco', '*', $2) "
                "on conflict do nothing",
                operation,
                PRICE,
            )
        await connection.close()
        settings = Settings(
            _env_file=None,
            database={"url": self.ready["database_url"]},
            redis={"url": self.ready["redis_url"]},
            data=self.data,
        )
        redis = queue.connect(settings)
        database = Database(settings, redis)
        keys = []
        for number in range(workspaces):
            async with database.transaction() as session:
                email = f"customer{number}@example.com"
                _, live = await accounts.issue_key(session, email=email, mode="live", name="chaos")
                _, test = await accounts.issue_key(session, email=email, mode="test", name="chaos")
            keys.append((live, test))
        await database.close()
        await redis.aclose(close_connection_pool=True)
        return keys

    async def verify(self) -> tuple[bool, str]:
        """`backlot ledger verify`: whether all holds, and what it printed."""
        environment = {**self.environment, "BACKLOT_DATABASE_URL": self.ready["database_url"]}
        process = await asyncio.create_subprocess_exec(
            *BACKLOT,
            "ledger",
            "verify",
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode == 0, output.decode()

    # --- who is who; all read anew each time, since children come and go

    def _children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def named(self, *words: str) -> list[psutil.Process]:
        """The supervisor's children whose command line has all the words."""
        found = []
        for child in self._children():
            try:
                if all(word in child.cmdline() for word in words):
                    found.append(child)
            except psutil.Error:
                continue
        return found

    def generation_workers(self) -> list[psutil.Process]:
        return self.named("worker", "generation")

    def maintenance_workers(self) -> list[psutil.Process]:
        return self.named("worker", "maintenance")

    def apis(self) -> list[psutil.Process]:
        return self.named("serve")

    def image_processes(self) -> list[psutil.Process]:
        found = []
        for parent in [*self.generation_workers(), *self.apis()]:
            try:
                found += parent.children()
            except psutil.Error:
                continue
        return found

    def _noted(self, name: str) -> list[psutil.Process]:
        try:
            pid = json.loads((self.data / "stack.json").read_text())["pids"][name]
            return [psutil.Process(pid)] if pid else []
        except (OSError, ValueError, KeyError, psutil.Error):
            return []

    def postgres(self) -> list[psutil.Process]:
        return self._noted("postgres")

    def valkey(self) -> list[psutil.Process]:
        return self._noted("valkey")
