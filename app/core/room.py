"""Room for so many bytes: who would be one too many waits."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """A semaphore by size. Who came first gets in first, so that the large ones do too."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = most
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    @asynccontextmanager
    async def take(self, size: int) -> AsyncIterator[None]:
        """Until it is given back at the end. What is larger than all the room is let in alone."""
        size = min(size, self._most)
        await self._enter(size)
        try:
            yield
        finally:
            self._free += size
            self._admit()

    async def _enter(self, size: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, size))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was let in at the same moment
                self._free += size
            self._admit()
            raise

    def _admit(self) -> None:
        while self._waiting and (self._waiting[0][0].cancelled() or self._waiting[0][1] <= self._free):
            turn, size = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= size
                turn.set_result(None)
