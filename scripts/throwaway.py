"""PostgreSQL and Valkey for one purpose: in a temporary folder, on free ports, gone afterwards."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.embedded import datadir, ports
from app.embedded.errors import StackFailed
from app.embedded.postgres import Postgres
from app.embedded.process import Service
from app.embedded.valkey import Valkey


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database."""
    with _home() as home, asyncio.Runner() as runner:
        server = Postgres(home / "postgres", runner.run(ports.choose(home / "postgres" / "port")))
        server.initialise()
        with _running(server, runner, home / "log"):
            yield server.url


@contextmanager
def valkey() -> Iterator[str]:
    """The URL of an empty server."""
    with _home() as home, asyncio.Runner() as runner:
        server = Valkey(home / "valkey", runner.run(ports.choose(home / "valkey" / "port")))
        with _running(server, runner, home / "log"):
            yield server.url


@contextmanager
def stack() -> Iterator[tuple[str, str]]:
    """The URLs of both."""
    with ExitStack() as both:
        yield both.enter_context(postgres()), both.enter_context(valkey())


@contextmanager
def _home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="backlot-", ignore_cleanup_errors=True) as folder:
        yield datadir.prepare(Path(folder))


@contextmanager
def _running(server: Service, runner: asyncio.Runner, log: Path) -> Iterator[None]:
    try:
        try:
            with _stderr_to(log):
                runner.run(server.start())
        except StackFailed as fault:
            fault.add_note(log.read_text())
            raise
        yield
    finally:
        runner.run(server.stop(asyncio.Event()))


@contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """Whoever is started meanwhile keeps writing there."""
    kept = os.dup(2)
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
