"""Reading batches without the ORM, once for all who ask for the same at once: each item's end wakes all who wait."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.batches import queries, reading
from app.core.db import Database
from app.core.lane import Lane
from app.core.wire import dumps
from app.generation.reader import Ask, State

Whole = tuple[bytes, str]
AT_ONCE = 4
AT_ONCE_LIGHT = 500
_PROBE = "etag/probe.bin"
_VERSION = version("backlot")


class BatchReader:
    """One per API process. What is not there, or not the caller's, is None."""

    def __init__(self, database: Database, tools: AssetTools) -> None:
        self._database = database
        self._tools = tools
        self._whole: Lane[Ask, Whole | None] = Lane(self._read_whole, most=AT_ONCE, shares=True)
        self._states: Lane[Ask, State | None] = Lane(self._read_states, most=AT_ONCE_LIGHT, shares=True)

    async def find(self, caller: CallerInfo, batch_id: UUID) -> Whole | None:
        """The batch with its items, as JSON, and its ETag."""
        return await self._whole.do((batch_id, caller.workspace_id, caller.mode))

    async def read(self, session: AsyncSession, caller: CallerInfo, batch_id: UUID) -> bytes:
        """The batch with its items, as JSON, as this transaction has made it. Raises LookupError."""
        row = await queries.find_whole(session, batch_id, workspace_id=caller.workspace_id, mode=caller.mode)
        if row is None:
            raise LookupError(batch_id)
        return dumps(await reading.whole(self._tools, row))

    async def find_etag(self, caller: CallerInfo, batch_id: UUID) -> str | None:
        """The ETag `find` would give, for less."""
        row = await self._database.fetchrow(queries.MARKS, batch_id, caller.workspace_id, caller.mode)
        return self._etag(row) if row else None

    async def find_state(self, caller: CallerInfo, batch_id: UUID) -> State | None:
        return await self._states.do((batch_id, caller.workspace_id, caller.mode))

    async def _read_whole(self, asks: Sequence[Ask]) -> list[Whole | None]:
        async def read(ask: Ask) -> Whole | None:
            row = await self._database.fetchrow(queries.WHOLE_BATCH, *ask)
            return (dumps(await reading.whole(self._tools, row)), self._etag(row)) if row else None

        return await asyncio.gather(*map(read, asks))

    async def _read_states(self, asks: Sequence[Ask]) -> list[State | None]:
        found: list[State | None] = [None] * len(asks)
        for row in await self._database.fetch(queries.STATES, *map(list, zip(*asks, strict=True))):
            found[row["place"] - 1] = State(row["open"] == 0, row["position"] or 0)
        return found

    def _etag(self, row: asyncpg.Record) -> str:
        """Strong: it changes with whatever a reader can see, and with the links to results."""
        said = f"{_VERSION} {row['id']} {row['marks']} {self._tools.storage.signed_url(_PROBE)}"
        return f'"{sha256(said.encode()).hexdigest()[:32]}"'
