"""Waiting for "there is something new": one pub/sub connection per process, shared by all who wait."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

log = structlog.get_logger()
RECONNECT_SECONDS = 0.5
LISTEN_SECONDS = 15.0
FALLBACK_SECONDS = 2.0


class Listener:
    """A connection to one pub/sub channel, made again whenever it breaks.

    `heard` gets each message, `joined` is called each time the connection is made: whatever was said before is lost.
    """

    def __init__(
        self, redis: ArqRedis, channel: str, *, heard: Callable[[str], None], joined: Callable[[], None]
    ) -> None:
        self._redis = redis
        self._channel = channel
        self._heard = heard
        self._joined = joined
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name=f"listen to {self._channel}")

    async def close(self) -> None:
        while self._task and not self._task.done():
            self._task.cancel()  # while it connects, redis-py takes a cancel for one of its own timeouts
            await asyncio.wait([self._task], timeout=0.1)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    while True:
                        message = await pubsub.get_message(timeout=LISTEN_SECONDS)
                        if message and message["type"] == "subscribe":
                            self.is_connected = True
                            self._joined()
                        elif message:
                            self._heard(message["data"].decode(errors="replace"))
            except (RedisError, OSError) as fault:
                log.warning("listener_disconnected", channel=self._channel, error=repr(fault))
            finally:
                self.is_connected = False
            await asyncio.sleep(RECONNECT_SECONDS)


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
    """Listens to one pub/sub channel, whose messages are keys separated by spaces, and rings the bells of each key."""

    def __init__(self, redis: ArqRedis, channel: str) -> None:
        self._bells: dict[str, set[Bell]] = defaultdict(set)
        self._listener = Listener(redis, channel, heard=self._ring, joined=self._ring_all)
        self.is_closing = False

    def start(self) -> None:
        self._listener.start()

    def hush(self) -> None:
        """Wake everyone for the last time: open waits end, and new ones do not begin."""
        self.is_closing = True
        self._ring_all()

    async def close(self) -> None:
        self.hush()
        await self._listener.close()

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

    def _ring(self, keys: str) -> None:
        for key in keys.split():
            for bell in self._bells.get(key, ()):
                bell.ring()

    def _ring_all(self) -> None:
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()
