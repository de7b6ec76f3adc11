"""Reading assets without the ORM."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.assets import queries, reading
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import decode
from app.core.lane import Lane

AT_ONCE = 200


class AssetReader:
    """One per process."""

    def __init__(self, database: Database, tools: AssetTools) -> None:
        self._database = database
        self._tools = tools
        self._lane: Lane[UUID, dict[str, Any] | None] = Lane(self._read, most=AT_ONCE, shares=True)

    async def find_urls(self, asset_ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Fresh links to the renditions of those that are there, by the ids as customers have them."""
        found = await self._lane.do_all(decode("asset", asset_id) for asset_id in asset_ids)
        return {asset_id: urls for asset_id, urls in zip(asset_ids, found, strict=True) if urls is not None}

    async def _read(self, asset_ids: Sequence[UUID]) -> list[dict[str, Any] | None]:
        keys: dict[UUID, tuple[str, dict[str, str]]] = {}
        for row in await self._database.fetch(queries.FILES, asset_ids):
            keys.setdefault(row["id"], (row["kind"], {}))[1][row["rendition"]] = row["key"]
        return [reading.urls(self._tools, *keys[one]) if one in keys else None for one in asset_ids]
