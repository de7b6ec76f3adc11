"""The data directory: who owns it, the secrets in it, and the note of the stack that runs on it."""

import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import mkstemp

from app.embedded.errors import StackFailed

LOCK = "lock"
NOTE = "stack.json"


@dataclass(frozen=True, slots=True)
class Stack:
    """What `backlot dev --json` prints, and what the note in the data directory says while it runs."""

    url: str
    api_key: str
    test_api_key: str
    docs_url: str
    database_url: str
    redis_url: str
    pids: dict[str, list[int] | int | None] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def prepare(data: Path) -> Path:
    """The directory, made if absent, and its absolute path. Raises StackFailed when it cannot be used."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("postgres", "valkey"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as fault:
        raise StackFailed(f"cannot use {data} for data: {fault.strerror}") from fault
    return data.resolve()


def lock(data: Path) -> int:
    """Hold the directory for as long as the returned descriptor is open. Raises StackFailed if another holds it."""
    try:
        fd = os.open(data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise StackFailed(f"cannot use {data} for data: {fault.strerror}") from fault
    for _ in range(10):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)  # find_running holds it for an instant
        else:
            forget(data)
            return fd
    os.close(fd)
    running = _read_note(data)
    where = f"runs at {running.url}" if running else "is just starting or stopping"
    raise StackFailed(f"another `backlot dev` {where} on {data}; stop it, or choose another --data")


def find_running(data: Path) -> Stack | None:
    """The stack that runs on this directory and is ready, if there is one."""
    try:
        fd = os.open(data / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_note(data)
    finally:
        os.close(fd)
    return None  # nobody holds it: a note there is what a killed stack left


def note(data: Path, stack: Stack) -> None:
    write_private(data / NOTE, stack.to_json())


def forget(data: Path) -> None:
    (data / NOTE).unlink(missing_ok=True)


def keep_secret(path: Path) -> str:
    """The secret in the file, made at random the first time."""
    if path.exists() and (text := path.read_text().strip()):
        return text
    secret = secrets.token_urlsafe(32)
    write_private(path, secret)
    return secret


def write_private(path: Path, text: str) -> None:
    """Write the whole file or nothing, readable by us alone."""
    fd, temporary = mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    with os.fdopen(fd, "w") as file:
        file.write(text)
    os.replace(temporary, path)


def _read_note(data: Path) -> Stack | None:
    try:
        return Stack(**json.loads((data / NOTE).read_text()))
    except (OSError, ValueError, TypeError):
        return None
