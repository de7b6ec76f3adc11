"""The seeded monkey: what it breaks, and how."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any

import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.chaos.stack import Stack

STOPPED_SECONDS = 7.0
"""Longer than a lease: the worker that goes on afterwards has lost its tasks, and must not know better."""


class Monkey:
    """Each act by its name; `kills` counts those that met somebody."""

    def __init__(self, stack: Stack, random: Random, say: Callable[[str], None]) -> None:
        self._stack, self.random, self._say = stack, random, say
        self.kills: Counter[str] = Counter()
        self._later: set[asyncio.Task[None]] = set()
        self.acts: dict[str, Callable[[], Awaitable[bool]]] = {
            "SIGKILL a generation worker": lambda: self._one(stack.generation_workers()),
            "SIGKILL all generation workers": lambda: self._all(stack.generation_workers()),
            "SIGKILL the maintenance worker": lambda: self._all(stack.maintenance_workers()),
            "SIGKILL an API process": lambda: self._one(stack.apis()),
            "SIGKILL all API processes": lambda: self._all(stack.apis()),
            "SIGTERM a generation worker": lambda: self._one(stack.generation_workers(), signal.SIGTERM),
            "SIGTERM an API process": lambda: self._one(stack.apis(), signal.SIGTERM),
            "SIGSTOP a generation worker beyond its lease": self._stop_a_worker,
            "SIGKILL image processes": lambda: self._all(stack.image_processes()),
            "PostgreSQL SIGINT (fast)": lambda: self._all(stack.postgres(), signal.SIGINT),
            "PostgreSQL SIGQUIT (immediate)": lambda: self._all(stack.postgres(), signal.SIGQUIT),
            "PostgreSQL SIGKILL": lambda: self._all(stack.postgres()),
            "Valkey FLUSHALL": self._flush,
            "Valkey SIGKILL": lambda: self._all(stack.valkey()),
            "everything at once": self._everything,
        }

    async def act(self, name: str | None = None) -> None:
        """The named act, or one by the seed."""
        name = name or self.random.choice(list(self.acts))
        met = await self.acts[name]()
        if met:
            self.kills[name] += 1
        self._say(f"monkey: {name}{'' if met else ' (nobody there)'}")

    async def rest(self) -> None:
        """Until whoever was stopped goes on again."""
        if self._later:
            await asyncio.wait(self._later)

    async def _one(self, processes: list[psutil.Process], number: signal.Signals = signal.SIGKILL) -> bool:
        return bool(processes) and await self._all([self.random.choice(processes)], number)

    async def _all(self, processes: list[psutil.Process], number: signal.Signals = signal.SIGKILL) -> bool:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return bool(processes)

    async def _stop_a_worker(self) -> bool:
        workers = self._stack.generation_workers()
        if not workers:
            return False
        worker = self.random.choice(workers)
        with suppress(psutil.NoSuchProcess):
            worker.send_signal(signal.SIGSTOP)

        async def go_on() -> None:
            await asyncio.sleep(STOPPED_SECONDS)
            with suppress(psutil.NoSuchProcess):
                worker.send_signal(signal.SIGCONT)

        later = asyncio.create_task(go_on())
        self._later.add(later)
        later.add_done_callback(self._later.discard)
        return True

    async def _flush(self) -> bool:
        try:
            async with asyncio.timeout(3):
                redis: Any = Redis.from_url(self._stack.ready["redis_url"])
                await redis.flushall()
                await redis.aclose()
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def _everything(self) -> bool:
        stack = self._stack
        return await self._all(
            [
                *stack.generation_workers(),
                *stack.maintenance_workers(),
                *stack.apis(),
                *stack.valkey(),
                *stack.postgres(),
            ]
        )
