"""Starts the whole stack in order, keeps it running, and stops it in reverse."""

import asyncio
import json
import logging
import os
import signal
import socket
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.embedded import datadir, ports
from app.embedded.datadir import Stack
from app.embedded.errors import ServiceFailed, StackFailed
from app.embedded.postgres import Postgres
from app.embedded.process import Command, Service, spawn
from app.embedded.valkey import Valkey

log = logging.getLogger("backlot.dev")

START_ATTEMPTS = 3
HEALTH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `command` calls Backlot's own command line in a new process."""

    data: Path
    host: str
    port: int
    command: Sequence[str]
    api_processes: int
    generation_workers: int
    database_url: str | None  # None: an embedded one
    redis_url: str | None
    public_url: str | None  # None: that of the listening socket
    has_secret: bool  # False: one is made and kept
    environment: Mapping[str, str]  # of the API and the workers, beside what is decided here


class Supervisor:
    """Run it in the main thread: the children's lives are bound to the thread that starts them."""

    def __init__(self, plan: Plan, on_ready: Callable[[Stack], None]) -> None:
        self._plan = plan
        self._on_ready = on_ready
        self._services: list[Service] = []
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._stack: Stack | None = None

    async def run(self) -> None:
        """Until a signal (or `stop`) asks for the end. Raises StackFailed if it cannot be started."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)
        data = datadir.prepare(self._plan.data)
        lock = datadir.lock(data)
        try:
            await self._run_on(data)
        finally:
            datadir.forget(data)
            os.close(lock)

    def stop(self) -> None:
        """End in good order; asked twice, at once."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _run_on(self, data: Path) -> None:
        stopping = asyncio.create_task(self._stop.wait())
        working = asyncio.create_task(self._start_and_keep(data))
        try:
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            stopping.cancel()
            working.cancel()
            await asyncio.wait({stopping, working})
            await self._stop_all()

    async def _start_and_keep(self, data: Path) -> None:
        with ports.listen(self._plan.host, self._plan.port) as listener:
            stack = await self._start(data, listener)
            for service in self._services:
                service.on_restart = lambda: self._note(data)
            async with asyncio.TaskGroup() as keeping:
                for service in self._services:
                    keeping.create_task(service.keep_running())
                self._stack = stack
                self._on_ready(self._note(data))

    async def _start(self, data: Path, listener: socket.socket) -> Stack:
        plan = self._plan
        servers, database_url, redis_url = await self._make_servers(data)
        host, port = listener.getsockname()[:2]
        url = f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}"  # noqa: S104  not bound here
        env = {
            **plan.environment,
            "BACKLOT_API_PUBLIC_URL": plan.public_url or url,
            "BACKLOT_DATABASE_URL": database_url,
            "BACKLOT_REDIS_URL": redis_url,
            "BACKLOT_DATA": str(data),
            "BACKLOT_API_PORT": str(port),
        }
        if not plan.has_secret:
            env["BACKLOT_SECRET"] = datadir.keep_secret(data / "secret")
        may_begin = asyncio.Event()
        commands = self._make_commands(env, listener.fileno(), may_begin)
        self._services = [*servers, *commands]
        keys: dict[str, str] = {}

        async def servers_then_database() -> None:
            await _all_of(*(_start_stubbornly(server) for server in servers))
            keys.update(await self._prepare(env))
            may_begin.set()

        await _all_of(servers_then_database(), *(command.start() for command in commands))
        await _until_healthy((host, port))
        return Stack(url=url, docs_url=f"{url}/docs", database_url=database_url, redis_url=redis_url, pids={}, **keys)

    async def _make_servers(self, data: Path) -> tuple[list[Service], str, str]:
        database_url, redis_url = self._plan.database_url, self._plan.redis_url
        servers: list[Service] = []
        if database_url is None:
            postgres = Postgres(data / "postgres", await ports.choose(data / "postgres" / "port"))
            postgres.initialise()
            servers.append(postgres)
            database_url = postgres.url
        if redis_url is None:
            valkey = Valkey(data / "valkey", await ports.choose(data / "valkey" / "port"))
            servers.append(valkey)
            redis_url = valkey.url
        return servers, database_url, redis_url

    def _make_commands(self, env: Mapping[str, str], listening: int, may_begin: asyncio.Event) -> list[Command]:
        plan = self._plan

        def command(kind: str, name: str, *argv: str, pass_fds: Sequence[int] = ()) -> Command:
            return Command(kind, name, [*plan.command, *argv], env=env, may_begin=may_begin, pass_fds=pass_fds)

        return [
            *(
                command("api", f"API {number}", "serve", "--fd", str(listening), pass_fds=[listening])
                for number in range(1, plan.api_processes + 1)
            ),
            *(
                command("worker", f"generation worker {number}", "worker", "generation")
                for number in range(1, plan.generation_workers + 1)
            ),
            command("worker", "maintenance worker", "worker", "maintenance"),
        ]

    async def _prepare(self, env: Mapping[str, str]) -> dict[str, str]:
        """Migrate the database and see to the keys, in a process of its own."""
        process = await spawn([*self._plan.command, "prepare"], env=env, stdout=PIPE)
        output, _ = await process.communicate()
        if process.returncode:
            raise StackFailed("the database could not be prepared; see above")
        keys: dict[str, str] = json.loads(output)
        return keys

    def _note(self, data: Path) -> Stack:
        assert self._stack is not None
        stack = replace(self._stack, pids=self._pids())
        datadir.note(data, stack)
        return stack

    def _pids(self) -> dict[str, list[int] | int | None]:
        of_kind = {
            kind: [service.pid for service in self._services if service.kind == kind and service.pid]
            for kind in ("api", "worker", "postgres", "valkey")
        }
        return {
            "api": of_kind["api"],
            "worker": of_kind["worker"],
            "postgres": next(iter(of_kind["postgres"]), None),
            "valkey": next(iter(of_kind["valkey"]), None),
        }

    async def _stop_all(self) -> None:
        for kind in ("api", "worker", "valkey", "postgres"):
            await asyncio.gather(*(service.stop(self._hurry) for service in self._services if service.kind == kind))


async def _all_of(*starting: Any) -> None:
    """All of them, or the first failure alone."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in starting:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _start_stubbornly(server: Service) -> None:
    """What a killed stack left behind may stand in the way for a moment."""
    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            await server.start()
        except ServiceFailed:
            await server.stop(asyncio.Event())
            if attempt == START_ATTEMPTS:
                raise
            await asyncio.sleep(attempt)
        else:
            return


async def _until_healthy(address: tuple[str, int]) -> None:
    status = "no answer"
    with suppress(TimeoutError):
        async with asyncio.timeout(HEALTH_SECONDS):
            while True:
                status = await _get_status(address, "/health/ready")
                if status == "200":
                    return
                await asyncio.sleep(0.05)
    raise StackFailed(f"the API does not become ready (/health/ready: {status})")


async def _get_status(address: tuple[str, int], path: str) -> str:
    try:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {address[0]}\r\nConnection: close\r\n\r\n".encode())
            return (await reader.readline()).decode().partition(" ")[2][:3]
        finally:
            writer.close()
    except OSError as fault:
        return repr(fault)
