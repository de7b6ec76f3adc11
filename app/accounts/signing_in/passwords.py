"""Hashing passwords: Argon2id, and bcrypt for those that were imported; never on the event loop.

It is done by a few threads of our own, which run at a lower priority than the rest of the process: however many sign
in at once, requests of others are answered first. The line before them is short, since whoever waits for long asks
again.
"""

import asyncio
import contextlib
import os
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from time import monotonic
from typing import Any, Final, TypeVar

from pwdlib.exceptions import UnknownHashError

from app.accounts.hashes import HASHING
from app.accounts.signing_in.errors import TooManySignIns

T = TypeVar("T")

NICENESS = 10
MOST_WAITING = 400
MOST_SECONDS = 15.0
"""Who waited for longer is told to come again rather than hashed for: they may have gone by now."""

NOBODYS: Final = HASHING.hash(os.urandom(24).hex())
"""What is verified where there is no password: that takes as long."""


@dataclass(frozen=True, slots=True)
class Verdict:
    is_right: bool
    renewed: str | None = None
    """The hash to keep from now on, where the old one is not how we would make it today."""


def normal(password: str) -> str:
    """NFC: the same letters, however they were typed, are the same password; nothing else is changed."""
    return unicodedata.normalize("NFC", password)


class Hashers:
    """One per process. `threads` bounds the processors and, with 19 MiB for each, the memory it takes."""

    def __init__(self, threads: int) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._waiting = 0
        self._threads = [threading.Thread(target=self._run, name=f"hasher-{n}", daemon=True) for n in range(threads)]
        self._is_started = False

    async def hash(self, password: str) -> str:
        """Raises TooManySignIns."""
        return await self._do(partial(HASHING.hash, normal(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Whether it is the password; without a stored hash it is not, and takes as long. Raises TooManySignIns."""
        return await self._do(partial(_verify, normal(password), stored))

    def close(self) -> None:
        """End the threads when they have done what they are at. What waits is told to come again."""
        for _ in self._threads:
            self._work.put(None)
        if self._is_started:
            for thread in self._threads:
                thread.join()

    async def _do(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise _busy()
        if not self._is_started:
            self._is_started = True
            for thread in self._threads:
                thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting += 1
        self._work.put(partial(_perform, loop, future, work, monotonic()))
        try:
            return await future
        finally:
            self._waiting -= 1

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # of this thread alone, on Linux
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while (work := self._work.get()) is not None:
            work()


def _verify(password: str, stored: str | None) -> Verdict:
    try:
        is_right, renewed = HASHING.verify_and_update(password, stored or NOBODYS)
    except UnknownHashError:
        return Verdict(is_right=False)
    return Verdict(is_right and stored is not None, renewed if stored is not None else None)


def _perform(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], work: Callable[[], Any], asked_at: float
) -> None:
    """On one of the threads; the future is settled on the loop's own."""
    if future.cancelled():  # whoever asked has gone
        return
    result: Any = None
    fault: BaseException | None = None
    try:
        if monotonic() - asked_at > MOST_SECONDS:
            raise _busy()
        result = work()
    except Exception as error:
        fault = error
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
        loop.call_soon_threadsafe(_settle, future, result, fault)


def _settle(future: asyncio.Future[Any], result: Any, fault: BaseException | None) -> None:
    if future.done():
        return
    if fault is not None:
        future.set_exception(fault)
    else:
        future.set_result(result)


def _busy() -> TooManySignIns:
    return TooManySignIns(headers={"Retry-After": "5"})
