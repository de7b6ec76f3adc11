"""The price table, kept in memory for the hot path.

A price a second old may be wrong: `submit_tasks` compares it with the table's in the transaction of the hold, and
whoever is told that it changed reads the list again.
"""

from collections.abc import Callable, Mapping
from time import monotonic

from app.core.db import Database
from app.ledger import queries

FRESH_SECONDS = 10.0

Prices = Mapping[tuple[str, str, str], int]
"""Millionths of a credit for one output, by (operation, provider, model or `*`)."""


class PriceList:
    """One per process. A model that has no price yet gets its `first` one: from then on the table's counts.

    Which have a first price is asked anew each time: models come at run time.
    """

    def __init__(self, database: Database, first: Callable[[], Prices] = dict) -> None:
        self._database = database
        self._first = first
        self._prices: Prices = {}
        self._read_at = -FRESH_SECONDS

    async def get(self) -> Prices:
        """At most FRESH_SECONDS old."""
        if monotonic() - self._read_at < FRESH_SECONDS:
            return self._prices
        return await self.read()

    async def read(self) -> Prices:
        """As the table is now."""
        rows = await self._database.fetch(queries.PRICES)
        prices = {(row["operation"], row["provider"], row["model"]): row["amount"] for row in rows}
        if missing := {key: amount for key, amount in self._first().items() if key not in prices}:
            await self._database.fetch(queries.ADD_PRICES, *zip(*missing, strict=True), list(missing.values()))
        self._prices = missing | prices
        self._read_at = monotonic()
        return self._prices
