"""Waiting for "there is something new": one pub/sub connection per process, shared by all who wait."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf

import structlog
from arq.connections import ArqRedis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.core.db import UNREACHABLE

log = structlog.get_logger()
RECONNECT_SECONDS = 0.5
QUIET_SECONDS = 1.0
"""After so much silence the other end is asked whether it is there; after as much again it is not."""
FALLBACK_SECONDS = 2.0


class Listener:
    """A connection to one pub/sub channel, made again whenever it breaks.

    `heard` gets each message, `joined` is called each time the connection is made: whatever was said before is lost.
    `is_connected` is not believed for longer than about 2 * QUIET_SECONDS of a server that has fallen silent.
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
                    await self._hear(pubsub)
            except (RedisError, OSError) as fault:
                log.warning("listener_disconnected", channel=self._channel, error=repr(fault))
            finally:
                self.is_connected = False
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear(self, pubsub: PubSub) -> None:
        is_asked = False
        while True:
            message = await pubsub.get_message(timeout=QUIET_SECONDS)
            if message is None:
                if is_asked:
                    raise TimeoutError("the server does not answer")
                await pubsub.ping()
            elif message["type"] == "subscribe":
                self.is_connected = True
                self._joined()
            elif message["type"] == "message":
                self._heard(message["data"].decode(errors="replace"))
            is_asked = message is None


class Bell:
    """Rings when its key was published. May ring without cause; look at the database, then wait again.

    For one who waits at a time; thousands hang at once, so it is kept lean.
    """

    __slots__ = ("_is_rung", "_longest", "_waiter", "seen")

    def __init__(self, longest: float) -> None:
        self._is_rung = False
        self._waiter: asyncio.Future[None] | None = None
        self._longest = longest
        self.seen = 0
        """The latest position its owner knows of; where the tower looks by itself, it rings for later ones only."""

    def ring(self) -> None:
        self._is_rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, timeout: float) -> None:
        """Return at the next ring or after `timeout`; where no tower looks for lost rings, after FALLBACK_SECONDS."""
        if not self._is_rung:
            loop = asyncio.get_running_loop()
            self._waiter = waiter = loop.create_future()
            timer = loop.call_later(min(timeout, self._longest), _let_go, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        self._is_rung = False


def _let_go(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


Look = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]


class BellTower:
    """Listens to one pub/sub channel, whose messages are keys separated by spaces, and rings the bells of each key.

    With `look`, which tells how far each key has come, one look every FALLBACK_SECONDS makes up for the lost rings of
    all; without it each bell's owner is sent to look for itself.
    """

    def __init__(self, redis: ArqRedis, channel: str, *, look: Look | None = None) -> None:
        self._bells: dict[str, set[Bell]] = {}
        self._listener = Listener(redis, channel, heard=self._ring, joined=self._ring_all)
        self._look = look
        self._looking: asyncio.Task[None] | None = None
        self.is_closing = False

    def start(self) -> None:
        self._listener.start()
        if self._look is not None:
            self._looking = asyncio.create_task(self._keep_looking(self._look), name="look for lost rings")

    def hush(self) -> None:
        """Wake everyone for the last time: open waits end, and new ones do not begin."""
        self.is_closing = True
        self._ring_all()

    async def close(self) -> None:
        self.hush()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await self._listener.close()

    @contextmanager
    def bell(self, key: str) -> Iterator[Bell]:
        bell = self.hang(key)
        try:
            yield bell
        finally:
            self.take_down(key, bell)

    def hang(self, key: str) -> Bell:
        """For who calls `take_down` in the end: leaner than `bell`, where thousands hang for long."""
        bell = Bell(FALLBACK_SECONDS if self._look is None else inf)
        self._bells.setdefault(key, set()).add(bell)
        return bell

    def take_down(self, key: str, bell: Bell) -> None:
        hung = self._bells[key]
        hung.discard(bell)
        if not hung:
            del self._bells[key]

    def _ring(self, keys: str) -> None:
        for key in keys.split():
            for bell in self._bells.get(key, ()):
                bell.ring()

    def _ring_all(self) -> None:
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    async def _keep_looking(self, look: Look) -> None:
        while True:
            await asyncio.sleep(FALLBACK_SECONDS)
            try:
                latest = await look(list(self._bells)) if self._bells else {}
            except UNREACHABLE as fault:
                log.warning("look_for_lost_rings_failed", error=repr(fault))
                continue
            for key, position in latest.items():
                for bell in self._bells.get(key, ()):
                    if bell.seen < position:
                        bell.ring()
