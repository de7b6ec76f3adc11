"""Doing many small things as one: what comes while a batch is under way becomes the next batch.

Nobody waits for others to come: a lone item is a batch of one, at once. Under load one transaction and one fsync serve
many callers, and a row that all of them change is locked once (docs/decisions/0005).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

import asyncpg

In = TypeVar("In")
Out = TypeVar("Out")

# After these nobody knows what the server did: no second try.
_UNDECIDED = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)


class Lane(Generic[In, Out]):
    """One batch at a time, or up to `width`. `work` takes 1 to `most` items and gives one result for each, in order.

    What only reads may be wide: who asks just after a batch has left does not wait until it is back. With `shares`
    equal items are one: `work` gets it once, and all who wait for it get the same result.

    A batch the database refused as a whole was rolled back; its items are then done one by one, so that a bad one
    fails alone. A caller that goes away does not take its item out of the batch.
    """

    def __init__(
        self,
        work: Callable[[Sequence[In]], Awaitable[Sequence[Out]]],
        *,
        most: int = 64,
        width: int = 1,
        shares: bool = False,
    ) -> None:
        self._work = work
        self._most = most
        self._width = width
        self._shares = shares
        self._waiting: deque[tuple[In, asyncio.Future[Out]]] = deque()
        self._runners: set[asyncio.Task[None]] = set()

    async def do(self, item: In) -> Out:
        """The result of the item, or what `work` raised."""
        return await self._add(item)

    async def do_all(self, items: Iterable[In]) -> list[Out]:
        """The results of the items, or what `work` raised first."""
        return await asyncio.gather(*map(self._add, items))

    def _add(self, item: In) -> asyncio.Future[Out]:
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._runners) < self._width:
            self._runners.add(asyncio.create_task(self._run()))
        return future

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        while self._runners:
            await asyncio.wait(self._runners)

    async def _run(self) -> None:
        runner = asyncio.current_task()
        assert runner is not None
        try:
            while self._waiting:
                await self._do(self._take())
        finally:
            self._runners.discard(runner)  # at once: whoever comes now starts another
            if not self._runners:
                for _, future in self._waiting:  # only when we were stopped
                    future.cancel()
                self._waiting.clear()

    def _take(self) -> "_Batch[In, Out]":
        waiting = self._waiting
        if not self._shares:
            first = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
            return [(item, (future,)) for item, future in first]
        batch: dict[In, list[asyncio.Future[Out]]] = {}
        while waiting and (len(batch) < self._most or waiting[0][0] in batch):
            item, future = waiting.popleft()
            batch.setdefault(item, []).append(future)
        return list(batch.items())

    async def _do(self, batch: "_Batch[In, Out]") -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except asyncpg.PostgresError as fault:
            if len(batch) > 1 and not isinstance(fault, _UNDECIDED):
                for one in batch:
                    await self._do([one])
                return
            _fail(batch, fault)
        except Exception as fault:
            _fail(batch, fault)
        except BaseException:
            for _, futures in batch:
                for future in futures:
                    future.cancel()
            raise
        else:
            for (_, futures), result in zip(batch, results, strict=True):
                for future in futures:
                    if not future.done():
                        future.set_result(result)


_Batch = Sequence[tuple[In, Sequence[asyncio.Future[Out]]]]


def _fail(batch: _Batch[In, Out], fault: Exception) -> None:
    for _, futures in batch:
        for future in futures:
            if not future.done():
                future.set_exception(fault)
