"""Telling other processes that there is something new, without making anybody wait for Redis.

What is rung for while a message is under way goes out with the next, once for each word: under load one round trip
serves many. A ring that is lost is made good by those who listen: they look by themselves every second or two.
"""

import asyncio
from collections import defaultdict

from arq.connections import ArqRedis

from app.core import queue
from app.core.queue import Message


class Ringer:
    """One per process."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._words: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._sender: asyncio.Task[None] | None = None

    def ring(self, channel: str, *words: str) -> None:
        """Publish the words on the channel soon; several go out as one message, separated by spaces."""
        self._words[channel].update(dict.fromkeys(words))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Send what is left."""
        if self._sender is not None:
            await asyncio.wait([self._sender])

    async def _send(self) -> None:
        try:
            while self._words:
                words, self._words = self._words, defaultdict(dict)
                await queue.send(self._redis, [Message(channel, " ".join(some)) for channel, some in words.items()])
        finally:
            self._sender = None
