"""Waiting for "there is something new": one pub/sub connection per process, shared by all who wait."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

log = structlog.get_logger()
RECONNECT_SECONDS = 0.5
FALLBACK_SECONDS = 2.0


class Bell:
    """Rings when its key was published. May ring without cause; look at the database, then wait again."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> None:
        """Return at the next ring, after `timeout`, or after FALLBACK_SECONDS, since a ring may be lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(timeout, FALLBACK_SECONDS)):
                await self._event.wait()
        self._event.clear()


class BellTower:
    """Listens to one pub/sub channel whose messages are keys, and rings the bells of each key."""

    def __init__(self, redis: ArqRedis, channel: str) -> None:
        self._redis = redis
        self._channel = channel
        self._bells: dict[str, set[Bell]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self.is_closing = False

    def start(self) -> None:
        self._listener = asyncio.create_task(self._listen(), name=f"bells {self._channel}")

    def hush(self) -> None:
        """Wake everyone for the last time: open waits end, and new ones do not begin."""
        self.is_closing = True
        self._ring_all()

    async def close(self) -> None:
        self.hush()
        while self._listener and not self._listener.done():
            self._listener.cancel()  # while it connects, redis-py takes a cancel for one of its own timeouts
            await asyncio.wait([self._listener], timeout=0.1)

    @contextmanager
    def bell(self, key: str) -> Iterator[Bell]:
        bell = Bell()
        self._bells[key].add(bell)
        try:
            yield bell
        finally:
            self._bells[key].discard(bell)
            if not self._bells[key]:
                del self._bells[key]

    def _ring_all(self) -> None:
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    self._ring_all()  # what was said while we were away
                    while True:
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=15)
                        if message:
                            for bell in self._bells.get(message["data"].decode(errors="replace"), ()):
                                bell.ring()
            except (RedisError, OSError) as fault:
                log.warning("bells_disconnected", error=repr(fault))
                await asyncio.sleep(RECONNECT_SECONDS)
