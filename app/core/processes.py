"""A few processes of our own for work that is heavy or handles hostile bytes.

A call names a module-level function; what it takes and returns are plain values: None, numbers, text, bytes,
lists, dicts. The child shares no memory, environment or file descriptor with its parent, and nothing it
answers is executed.
"""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from app.core.process_child import LENGTH, WorkRefused, pack, unpack

__all__ = ["ProcessDied", "ProcessFailed", "ProcessPool", "ProcessTimedOut", "WorkRefused"]

T = TypeVar("T")

_MAX_DOCUMENT = 4 * 1024 * 1024
_MAX_BYTES = 256 * 1024 * 1024  # what a child may send: its parent must not be made to run out of memory

_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": os.defpath,
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VIPS_CONCURRENCY": "1",
    "VIPS_BLOCK_UNTRUSTED": "1",
    # Measured on image work: the default hands every buffer back at once, which costs a third more CPU; without a
    # limit the heap stays at its peak.
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "MALLOC_TOP_PAD_": "33554432",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class ProcessDied(Exception):
    """The process ended in the middle of a call: killed, out of memory, crashed, or talking nonsense."""


class ProcessTimedOut(Exception):
    """The call took longer than allowed; its process was killed."""


class ProcessFailed(Exception):
    """The function raised. `code` is `memory` if it ran out of it, else `error`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, eq=False, slots=True)
class _Child:
    """A process, and a descriptor that means this very process: its number may be another's once it has ended."""

    process: Process
    requests: asyncio.StreamWriter
    replies: asyncio.StreamReader
    descriptor: int

    @classmethod
    def of(cls, process: Process) -> "_Child":
        assert process.stdin is not None
        assert process.stdout is not None
        return cls(process, process.stdin, process.stdout, os.pidfd_open(process.pid))

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None and not self.replies.at_eof()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)
        self.requests.close()

    async def wait(self) -> None:
        await self.process.wait()
        os.close(self.descriptor)


class ProcessPool:
    """Runs functions in up to `size` child processes, each started when needed.

    Use it from the event loop of the main thread: the children die with the thread that started them.
    """

    def __init__(self, *, size: int, memory_bytes: int, idle_seconds: float) -> None:
        self._memory_bytes = memory_bytes
        self._idle_seconds = idle_seconds
        self._slots = asyncio.Semaphore(size)  # wakes its waiters in order
        self._idle: dict[_Child, asyncio.TimerHandle] = {}
        self._busy: set[_Child] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def run(self, function: Callable[..., T], *args: Any, timeout: float) -> T:
        """Call the function in a child; `timeout` counts from its turn.

        Raises WorkRefused as the function does, ProcessFailed for any other exception of it, ProcessTimedOut
        and ProcessDied. Cancelling the caller kills the child.
        """
        request = pack([f"{function.__module__}:{function.__qualname__}", args])
        async with self._slots:
            if self._is_closed:
                raise RuntimeError("the process pool is closed")
            try:
                async with asyncio.timeout(timeout):
                    reply = await self._exchange(request)
            except TimeoutError as error:
                raise ProcessTimedOut(f"no answer within {timeout:g} s") from error
        match reply:
            case {"result": result}:
                return cast("T", result)
            case {"refused": [str(code), str(detail)]}:
                raise WorkRefused(code, detail)
            case {"failed": [str(code), str(detail)]}:
                raise ProcessFailed(code, detail)
        raise ProcessDied("the answer was malformed")

    async def close(self) -> None:
        """End every child, also busy ones, and wait until they are gone."""
        self._is_closed = True
        for child in [*self._idle, *self._busy]:
            self._end(child)
        self._busy.clear()
        while self._ending:
            await asyncio.wait(self._ending)

    async def _exchange(self, request: list[bytes]) -> dict[str, Any]:
        child = self._take_idle() or await self._start()
        self._busy.add(child)
        is_fit = False
        try:
            child.requests.writelines(request)
            await child.requests.drain()
            reply = await _receive(child.replies)
            is_fit = "result" in reply or "refused" in reply or reply["failed"][0] != "memory"
        except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
            raise ProcessDied("the process ended during the call") from error
        finally:
            if child in self._busy:  # else the pool was closed meanwhile
                self._busy.discard(child)
                if is_fit:
                    self._keep(child)
                else:
                    self._end(child)
        return reply

    async def _start(self) -> _Child:
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "app.core.process_child"),
                *(str(os.getpid()), str(self._memory_bytes)),
                stdin=PIPE,
                stdout=PIPE,
                limit=4 * 1024 * 1024,
                env={**_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
                start_new_session=True,  # a Ctrl-C in the terminal is for the parent to handle
            )
        )
        try:
            return _Child.of(await asyncio.shield(starting))
        except asyncio.CancelledError:
            self._finish(_end_started(starting))
            raise
        except OSError as error:
            raise ProcessDied("no process could be started") from error

    def _take_idle(self) -> _Child | None:
        while self._idle:
            child, timer = self._idle.popitem()  # the one used last: the others may end
            timer.cancel()
            if child.is_alive:
                return child
            self._end(child)
        return None

    def _keep(self, child: _Child) -> None:
        self._idle[child] = asyncio.get_running_loop().call_later(self._idle_seconds, self._end, child)

    def _end(self, child: _Child) -> None:
        if timer := self._idle.pop(child, None):
            timer.cancel()
        child.kill()
        self._finish(child.wait())

    def _finish(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _receive(replies: asyncio.StreamReader) -> dict[str, Any]:
    document, blobs = LENGTH.unpack(await replies.readexactly(LENGTH.size))
    if document > _MAX_DOCUMENT or blobs > _MAX_BYTES:
        raise ValueError("the answer is too large")
    reply = unpack(await replies.readexactly(document), await replies.readexactly(blobs))
    if not isinstance(reply, dict):
        raise TypeError("the answer is not a mapping")
    return reply


async def _end_started(starting: asyncio.Future[Process]) -> None:
    """The caller is gone, but its process may just be coming up."""
    with contextlib.suppress(OSError):
        child = _Child.of(await starting)
        child.kill()
        await child.wait()
