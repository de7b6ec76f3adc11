"""Child processes that die with us, and services: children that are kept running."""

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
from abc import ABC, abstractmethod
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from app.embedded.errors import ServiceFailed

log = logging.getLogger("backlot.dev")

_PR_SET_PDEATHSIG = 1
_STDERR = 2
HURRIED_SECONDS = 1.0


class Account(NamedTuple):
    """Whom a child runs as, when not as ourselves."""

    uid: int
    gid: int


def as_account(account: Account | None) -> dict[str, Any]:
    """The arguments of subprocess that make a child run as the account."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def dies_with_us(death_signal: signal.Signals) -> Callable[[], None]:
    """What a child does between fork and exec: bind its life to ours. Fork from the main thread only."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def bind() -> None:
        if sys.platform == "linux":
            libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # we died before the child could ask for the signal
            os._exit(1)

    return bind


async def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    cwd: str | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
    stdout: int = _STDERR,
) -> Process:
    """Start a child in a session of its own, so that a Ctrl-C reaches only us. Its output goes to our stderr."""
    return await asyncio.create_subprocess_exec(
        *argv,
        env=env,
        cwd=cwd,
        stdin=DEVNULL,
        stdout=stdout,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=dies_with_us(death_signal),
        **as_account(account),
    )


class Service(ABC):
    """A child that is started, waited for until ready, started again when it ends, and stopped.

    The wait for it to be ready counts from `may_begin`, if that is given.
    """

    kind: str
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM,)  # each is given `stop_seconds`; then SIGKILL
    stop_seconds = 8.0
    start_seconds = 60.0

    def __init__(self, name: str, may_begin: asyncio.Event | None = None) -> None:
        self.name = name
        self._may_begin = may_begin
        self.process: Process | None = None
        self.on_restart: Callable[[], object] = lambda: None

    @abstractmethod
    async def launch(self) -> Process: ...

    @abstractmethod
    async def until_ready(self) -> None: ...

    def send_signal(self, process: Process, number: signal.Signals) -> None:
        process.send_signal(number)

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.returncode is None else None

    async def start(self) -> None:
        """Raises ServiceFailed if it ends, or is not ready in time."""
        self.process = await self.launch()
        ready = asyncio.ensure_future(self._ready_in_time())
        ended = asyncio.ensure_future(self.process.wait())
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise ServiceFailed(f"{self.name} {_fate(ended.result())} before it was ready")
            ready.result()
        finally:
            for waiting in (ready, ended):
                waiting.cancel()
            await asyncio.wait({ready, ended})

    async def _ready_in_time(self) -> None:
        if self._may_begin:
            await self._may_begin.wait()
        try:
            async with asyncio.timeout(self.start_seconds):
                await self.until_ready()
        except TimeoutError as fault:
            raise ServiceFailed(f"{self.name} was not ready within {self.start_seconds:g} s") from fault

    async def keep_running(self) -> None:
        """Start it again whenever it ends; sooner the longer it had been well."""
        delay = 0.1
        while True:
            assert self.process is not None
            since = monotonic()
            code = await self.process.wait()
            self.after_exit(self.process)
            delay = 0.1 if monotonic() - since > 10 else min(delay * 2, 5.0)
            log.warning("%s %s; starting it again", self.name, _fate(code))
            await asyncio.sleep(delay)
            try:
                await self.start()
            except (ServiceFailed, OSError) as fault:
                log.warning("%s", fault)
                await self.stop(asyncio.Event())
            else:
                log.warning("%s is back (pid %s)", self.name, self.pid)
                self.on_restart()

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask, wait, insist; with `hurry` set, insist soon."""
        process = self.process
        if process is None:
            return
        for number in self.stop_signals:
            if process.returncode is not None:
                break
            with suppress(ProcessLookupError):
                self.send_signal(process, number)
            if not hurry.is_set():
                await _first_of(process.wait(), hurry.wait(), timeout=self.stop_seconds)
            if hurry.is_set():
                await _first_of(process.wait(), timeout=HURRIED_SECONDS)
        if process.returncode is None:
            log.warning("%s does not end; killing it", self.name)
            with suppress(ProcessLookupError):
                self.send_signal(process, signal.SIGKILL)
            await process.wait()
        self.after_exit(process)

    def after_exit(self, process: Process) -> None:  # noqa: B027  most leave nothing behind
        """Clear away what the ended process left."""


class Command(Service):
    """A Python process of ours that speaks over a lifeline. It loads at once, and begins when `may_begin` is set."""

    start_seconds = 90.0
    stop_seconds = 12.0  # a worker first finishes the jobs it has begun

    def __init__(
        self,
        kind: str,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        may_begin: asyncio.Event,
        pass_fds: Sequence[int] = (),
    ) -> None:
        super().__init__(name, may_begin)
        self.kind = kind
        self._argv, self._env, self._pass_fds = argv, env, pass_fds
        self._lifeline: socket.socket | None = None

    async def launch(self) -> Process:
        if self._lifeline:
            self._lifeline.close()
        self._lifeline, theirs = socket.socketpair()
        self._lifeline.setblocking(False)
        with theirs:
            return await spawn(
                [*self._argv, "--lifeline", str(theirs.fileno())],
                env=self._env,
                pass_fds=(*self._pass_fds, theirs.fileno()),
            )

    async def until_ready(self) -> None:
        assert self._lifeline is not None
        loop = asyncio.get_running_loop()
        with suppress(BrokenPipeError):
            await loop.sock_sendall(self._lifeline, b"1")
            if await loop.sock_recv(self._lifeline, 1):
                return
        await asyncio.Event().wait()  # it is ending; start() sees that

    def after_exit(self, process: Process) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


async def _first_of(*waiting: Any, timeout: float) -> None:
    tasks = [asyncio.ensure_future(one) for one in waiting]
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _fate(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
