"""`backlot dev` as a process, for tests to start, look at and kill."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any, Self

import psutil

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
BACKLOT = [sys.executable, "-P", "-m", "app.cli"]


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BACKLOT_")}


def backlot(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, in a directory without a .env file."""
    return subprocess.run(
        [*BACKLOT, *arguments],
        cwd=cwd,
        env=clean_environment() | dict(env or {}),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )


def wait_until(condition: Any, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not so within {seconds} s"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Dead children of a killed supervisor may stay zombies where nobody reaps them."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Dev:
    """A started `backlot dev --json`; `ready` is the line it printed."""

    def __init__(self, data: Path, log: Path, *, command: Sequence[str], env: Mapping[str, str], user: str | None):
        self.data = data
        self._log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [*command, "dev", "--json", "--port", "0", "--data", str(data)],
                cwd=log.parent,
                env=clean_environment() | dict(env),
                stdout=subprocess.PIPE,
                stderr=file,
                user=user,
                group=user and "nogroup",
                extra_groups=[] if user else None,
            )
        self.ready: dict[str, Any] = {}

    def wait_until_ready(self) -> Self:
        assert self.process.stdout is not None
        assert select([self.process.stdout], [], [], START_SECONDS)[0], self.log
        line = self.process.stdout.readline()
        assert line, self.log
        self.ready = json.loads(line)
        return self

    @property
    def log(self) -> str:
        return self._log.read_text()

    def pids(self) -> dict[str, Any]:
        """Those of now, as the supervisor notes them."""
        pids: dict[str, Any] = json.loads((self.data / "stack.json").read_text())["pids"]
        return pids

    def family(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def end(self, signal: int) -> str:
        """Send the signal, wait for the end, and return what else was on stdout."""
        self.process.send_signal(signal)
        output, _ = self.process.communicate(timeout=30)
        return str(output.decode())


@contextmanager
def dev(
    data: Path,
    *,
    command: Sequence[str] = tuple(BACKLOT),
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Iterator[Dev]:
    started = Dev(data, data.parent / "dev.log", command=command, env=env or {}, user=user)
    try:
        yield started.wait_until_ready()
    finally:
        started.process.kill()
        started.process.communicate()
