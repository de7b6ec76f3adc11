"""How long tasks take: measured by the workers, per operation, provider, model and size, and told to whoever orders.

Workers gather what they measured and write it every few seconds; API processes read the table as often. Both may lag,
and what a worker had gathered when it was killed is missing: these are estimates.
"""

from collections.abc import Mapping
from math import ceil, log2
from time import monotonic

import orjson

from app.core.db import UNREACHABLE, Database
from app.generation import queries

FRESH_SECONDS = 15.0
FLUSH_SECONDS = 5.0
MEGAPIXEL = 1_000_000

Kind = tuple[str, str, str, int]
"""Operation, provider, model, size class."""


def size_class(pixels: int) -> int:
    """Doublings of a megapixel: 0 up to one megapixel, 1 up to two, 2 up to four; -1 down to a half; -4 to 8."""
    return min(max(ceil(log2(max(pixels, 1) / MEGAPIXEL)), -4), 8)


class Estimates:
    """The mean seconds of one output of each kind of task. One per API process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._means: Mapping[Kind, float] = {}
        self._read_at = -FRESH_SECONDS

    async def get(self) -> Mapping[Kind, float]:
        """At most FRESH_SECONDS old."""
        if monotonic() - self._read_at >= FRESH_SECONDS:
            self._read_at = monotonic()
            rows = await self._database.fetch(queries.DURATIONS)
            self._means = {tuple(row)[:4]: row["mean_seconds"] for row in rows}
        return self._means


class History:
    """What a worker has measured and not written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathered: dict[Kind, tuple[int, float]] = {}
        self._flushed_at = monotonic()

    def note(self, kind: Kind, outputs: int, seconds: float) -> None:
        """A task of this kind made so many outputs in so many seconds, from its start to its end."""
        runs, total = self._gathered.get(kind, (0, 0.0))
        self._gathered[kind] = runs + 1, total + seconds / max(outputs, 1)

    async def flush(self, *, at_once: bool = False) -> None:
        """Write what was gathered, if it is time. What cannot be written is gathered on."""
        if not self._gathered or (not at_once and monotonic() - self._flushed_at < FLUSH_SECONDS):
            return
        gathered, self._gathered = self._gathered, {}
        self._flushed_at = monotonic()
        rows = [
            dict(zip(("operation", "provider", "model", "size_class"), kind, strict=True))
            | {"runs": runs, "total_seconds": total}
            for kind, (runs, total) in gathered.items()
        ]
        try:
            await self._database.fetch(queries.RECORD_DURATIONS, orjson.dumps(rows).decode())
        except UNREACHABLE:
            for kind, (runs, total) in gathered.items():
                newer = self._gathered.get(kind, (0, 0.0))
                self._gathered[kind] = newer[0] + runs, newer[1] + total
            raise
