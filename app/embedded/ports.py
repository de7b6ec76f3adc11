"""Loopback ports: remembered, so that connection URLs live as long as the data does."""

import asyncio
import random
import socket
from pathlib import Path
from time import monotonic

from app.embedded.errors import StackFailed

# Below the range the kernel gives to outgoing connections: a client dialling a server that is just being
# restarted could otherwise be given the server's own port.
CHOICES = range(15_000, 30_000)
WAIT_SECONDS = 5.0


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def pick() -> int:
    """One that is free just now. Raises StackFailed."""
    for port in random.sample(CHOICES, 200):
        if is_free(port):
            return port
    raise StackFailed("found no free port on 127.0.0.1")


async def choose(memory: Path) -> int:
    """The port noted in the file if it is (or soon becomes) free, else a new one, noted there."""
    remembered = _recall(memory)
    # A stack that was killed a moment ago may still be going down.
    until = monotonic() + WAIT_SECONDS
    while remembered and monotonic() < until:
        if is_free(remembered):
            return remembered
        await asyncio.sleep(0.05)
    port = pick()
    _remember(memory, port)
    return port


def _recall(memory: Path) -> int | None:
    try:
        port = int(memory.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return port if port in CHOICES else None


def _remember(memory: Path, port: int) -> None:
    memory.write_text(f"{port}\n")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket for the API; held by the supervisor, so that requests wait while the API restarts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as fault:
        listener.close()
        raise StackFailed(
            f"cannot listen on {host}:{port} ({fault.strerror}); choose another port with --port"
        ) from fault
    return listener
