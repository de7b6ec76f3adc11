"""What of an asset never changes, kept in memory: an order needs its size before it is placed."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from app.assets import queries
from app.assets.errors import AssetNotFound
from app.core.db import Database
from app.core.ids import encode

MOST = 20_000


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """Kind, and size in pixels where it has one."""

    id: UUID
    kind: str
    width: int
    height: int


class KnownAssets:
    """One per process. An asset found here may be deleted by now: `submit_tasks` looks again, and then `forget` it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[tuple[UUID, str, UUID], AssetFacts] = OrderedDict()

    async def get(self, asset_id: UUID, *, workspace_id: UUID, mode: str) -> AssetFacts:
        """Raises AssetNotFound."""
        key = (workspace_id, mode, asset_id)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        row = await self._database.fetchrow(queries.FACTS, asset_id, workspace_id, mode)
        if row is None:
            raise AssetNotFound(f"There is no asset {encode('asset', asset_id)} in this workspace.")
        return self._keep(key, row)

    async def learn(self, asset_ids: Collection[UUID], *, workspace_id: UUID, mode: str) -> None:
        """Look up many in one statement, for `get` to find them. Those that are not there are passed over."""
        wanted = [asset_id for asset_id in asset_ids if (workspace_id, mode, asset_id) not in self._known]
        if wanted:
            for row in await self._database.fetch(queries.FACTS_OF_MANY, wanted, workspace_id, mode):
                self._keep((workspace_id, mode, row["id"]), row)

    def _keep(self, key: tuple[UUID, str, UUID], row: asyncpg.Record) -> AssetFacts:
        facts = AssetFacts(key[2], row["kind"], row["width"] or 0, row["height"] or 0)
        self._known[key] = facts
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return facts

    def forget(self, asset_id: UUID, *, workspace_id: UUID, mode: str) -> None:
        self._known.pop((workspace_id, mode, asset_id), None)
