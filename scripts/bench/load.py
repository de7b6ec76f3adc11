"""A load client that costs little: on two cores it must not take what the server needs."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from math import inf
from time import perf_counter
from typing import cast

WARM_UP_SECONDS = 1.0
Next = Callable[[], bytes]
"""The bytes of the next request."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: answers per second, and how long they took in milliseconds."""

    rate: float
    p50: float
    p99: float


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """An HTTP/1.1 request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(port: int, following: Next, *, status: int, connections: int = 16, seconds: float = 4.0) -> Load:
    """Each connection asks again as soon as it is answered. Raises RuntimeError at any other status."""
    async with _callers(port, following, status, [inf] * connections) as callers:
        await asyncio.sleep(WARM_UP_SECONDS)
        for caller in callers:
            caller.taken.clear()
        began = perf_counter()
        await asyncio.sleep(seconds)
        spent = perf_counter() - began
        taken = [one for caller in callers for one in caller.taken]
    return _load(taken, spent)


async def median(port: int, following: Next, *, status: int, runs: int = 3, connections: int = 16) -> Load:
    """The middle one of several runs, by rate."""
    loads = [await run(port, following, status=status, connections=connections) for _ in range(runs)]
    return sorted(loads, key=lambda one: one.rate)[runs // 2]


async def exactly(port: int, following: Next, count: int, *, status: int, connections: int = 16) -> None:
    """So many requests, as fast as they are answered."""
    shares = [len(range(place, count, connections)) for place in range(connections)]
    async with _callers(port, following, status, [float(share) for share in shares]) as callers:
        await asyncio.gather(*(caller.idle.wait() for caller in callers))


async def paced(port: int, following: Next, rate: float, seconds: float, *, status: int) -> Load:
    """So many requests a second, evenly, however long the answers take."""
    async with _callers(port, following, status, [0] * 16) as callers:
        turns, began = cycle(callers), perf_counter()
        for number in range(int(rate * seconds)):
            if (early := began + number / rate - perf_counter()) > 0:
                await asyncio.sleep(early)
            next(turns).ask()
    return _load([one for caller in callers for one in caller.taken], perf_counter() - began)


def _load(taken: list[float], spent: float) -> Load:
    cuts = statistics.quantiles(taken, n=100)
    return Load(len(taken) / spent, 1000 * cuts[49], 1000 * cuts[98])


@asynccontextmanager
async def _callers(port: int, following: Next, status: int, owed: list[float]) -> AsyncIterator[list["_Caller"]]:
    """Connections that are busy; in the end they have their last answers."""
    loop = asyncio.get_running_loop()
    callers = [_Caller(following, status, count) for count in owed]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", port)  # type: ignore[misc]
    try:
        yield callers
        for caller in callers:
            await caller.stop()
    finally:
        for caller in callers:
            caller.close()


class _Caller(asyncio.Protocol):
    """One connection, with a number of requests owed; one at a time."""

    def __init__(self, following: Next, status: int, owed: float) -> None:
        self._following = following
        self._expected = f"HTTP/1.1 {status} ".encode()
        self._owed = owed
        self._got = b""
        self._fault: Exception | None = None
        self._is_closing = False
        self.idle = asyncio.Event()
        self.idle.set()
        self.taken: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._go_on()

    def ask(self) -> None:
        """One more."""
        self._owed += 1
        if self.idle.is_set():
            self._go_on()

    async def stop(self) -> None:
        """Raises what went wrong meanwhile."""
        if self._owed == inf:
            self._owed = 0
        await self.idle.wait()
        if self._fault is not None:
            raise self._fault

    def close(self) -> None:
        self._is_closing = True
        self._transport.close()

    def _go_on(self) -> None:
        if self._owed <= 0 or self._fault is not None:
            self.idle.set()
            return
        self._owed -= 1
        self.idle.clear()
        self._asked_at = perf_counter()
        self._transport.write(self._following())

    def data_received(self, data: bytes) -> None:
        self._got = self._got + data if self._got else data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        place = self._got.find(b"content-length: ", 0, end)
        length = int(self._got[place + 16 : self._got.find(b"\r\n", place)]) if place > 0 else 0
        if len(self._got) < end + 4 + length:
            return
        self.taken.append(perf_counter() - self._asked_at)
        if not self._got.startswith(self._expected):
            self._fault = RuntimeError(f"unexpected answer: {self._got[:600].decode(errors='replace')}")
        self._got = b""
        self._go_on()

    def connection_lost(self, fault: Exception | None) -> None:
        if not self._is_closing:
            self._fault = self._fault or fault or ConnectionResetError("the server hung up")
        self.idle.set()
