"""Reading batches without the ORM."""

from hashlib import sha256
from importlib.metadata import version
from uuid import UUID

import asyncpg

from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.batches import queries, reading
from app.core.db import Database
from app.core.wire import dumps
from app.generation.reader import State

_PROBE = "etag/probe.bin"
_VERSION = version("backlot")


class BatchReader:
    """One per API process. What is not there, or not the caller's, is None."""

    def __init__(self, database: Database, tools: AssetTools) -> None:
        self._database = database
        self._tools = tools

    async def find(self, caller: CallerInfo, batch_id: UUID) -> tuple[bytes, str] | None:
        """The batch with its items, as JSON, and its ETag."""
        row = await self._database.fetchrow(queries.WHOLE_BATCH, batch_id, caller.workspace_id, caller.mode)
        return (dumps(await reading.whole(self._tools, row)), self._etag(row)) if row else None

    async def find_etag(self, caller: CallerInfo, batch_id: UUID) -> str | None:
        """The ETag `find` would give, for less."""
        row = await self._database.fetchrow(queries.MARKS, batch_id, caller.workspace_id, caller.mode)
        return self._etag(row) if row else None

    async def find_state(self, caller: CallerInfo, batch_id: UUID) -> State | None:
        row = await self._database.fetchrow(queries.STATE, batch_id, caller.workspace_id, caller.mode)
        return State(row["open"] == 0, row["position"] or 0) if row else None

    def _etag(self, row: asyncpg.Record) -> str:
        """Strong: it changes with whatever a reader can see, and with the links to results."""
        said = f"{_VERSION} {row['id']} {row['marks']} {self._tools.storage.signed_url(_PROBE)}"
        return f'"{sha256(said.encode()).hexdigest()[:32]}"'
