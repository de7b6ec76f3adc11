"""What the children of test_processes.py are asked to do."""

import ctypes
import os
import resource
import signal
import sys
import time
from typing import Any

from app.core.process_child import WorkRefused


def echo(value: Any) -> Any:
    return value


def print_and_return(text: str) -> str:
    print(text, flush=True)
    os.write(1, text.encode())
    return text


def own_pid() -> int:
    return os.getpid()


def refuse() -> None:
    raise WorkRefused("too_large", "the picture is too large")


def fail() -> None:
    raise KeyError("nothing here")


def exhaust() -> int:
    return len(bytearray(1 << 40))


def allocate(size: int) -> int:
    return len(bytearray(size))


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def note_and_sleep(path: str, seconds: float) -> None:
    with open(path, "w") as note:
        note.write(str(os.getpid()))
    time.sleep(seconds)


def append(path: str, line: str) -> None:
    with open(path, "a") as log:
        log.write(line)
    time.sleep(0.02)


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash() -> None:
    ctypes.string_at(0)


def unsendable() -> Any:
    return object()


def forge_reply() -> None:
    """Write garbage into every pipe there is, as a child that was taken over might."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue


def surroundings() -> dict[str, Any]:
    return {
        "environment": dict(os.environ),
        "descriptors": len(os.listdir("/proc/self/fd")) - 1,
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "nice": os.nice(0),
        "modules": sorted(sys.modules),
    }
