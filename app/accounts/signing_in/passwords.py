"""Hashing passwords: Argon2id, and bcrypt for those that were imported; never in the process that answers requests.

It is done by a few processes of our own, which run at a lower priority: however many sign in at once, requests of
others are answered first. Threads would not do: one that has just hashed and wants to go on holds the interpreter, and
at a lower priority for as long as anybody else on the machine has something to do. The line is short, since whoever
waits for long asks again.
"""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pwdlib.exceptions import UnknownHashError

from app.accounts.hashes import HASHING
from app.accounts.signing_in.errors import TooManySignIns
from app.core.processes import ProcessDied, ProcessPool, ProcessTimedOut
from app.core.settings import MEBIBYTE

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
    """One per API process. `processes` bounds the processors it takes and the memory, of which each takes 50 MiB."""

    def __init__(self, processes: int) -> None:
        self._pool = ProcessPool(size=processes, memory_bytes=768 * MEBIBYTE, idle_seconds=300)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Raises TooManySignIns."""
        return str(await self._do(hashed, normal(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Whether it is the password; without a stored hash it is not, and takes as long. Raises TooManySignIns."""
        is_right, renewed = await self._do(verified, normal(password), NOBODYS if stored is None else stored)
        return Verdict(is_right, renewed) if stored is not None else Verdict(is_right=False)

    async def close(self) -> None:
        await self._pool.close()

    async def _do(self, function: Callable[..., Any], *args: Any) -> Any:
        if self._waiting >= MOST_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(MOST_SECONDS):
                return await self._pool.run(function, *args, timeout=MOST_SECONDS)
        except (TimeoutError, ProcessTimedOut, ProcessDied) as fault:
            raise _busy() from fault
        finally:
            self._waiting -= 1


def hashed(password: str) -> str:
    """In a child process."""
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    return HASHING.hash(password)


def verified(password: str, stored: str) -> tuple[bool, str | None]:
    """In a child process: whether it is right, and the better hash where there is one."""
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    try:
        return HASHING.verify_and_update(password, stored)
    except UnknownHashError:
        return False, None


def _busy() -> TooManySignIns:
    return TooManySignIns(headers={"Retry-After": "5"})
