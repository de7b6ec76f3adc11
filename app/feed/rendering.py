"""Event objects as customers get them: in lists, streams and webhooks alike.

What happened does not change; links to files are made when it is told, so that none is stale.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from app.assets import reading as assets
from app.assets.reader import AssetReader
from app.core.ids import encode
from app.core.wire import dumps, moment
from app.generation.reader import TaskReader

Row = Mapping[str, Any]
"""An event: id, type, workspace_id, mode, task_id, created_at, and data as JSON text."""
VERSION = 1


class Renderer:
    """One per process."""

    def __init__(self, tasks: TaskReader, assets: AssetReader) -> None:
        self._tasks = tasks
        self._assets = assets

    async def render(self, rows: Sequence[Row]) -> list[bytes]:
        """Each as one line of JSON, in this order."""
        outputs = await self._outputs(row for row in rows if row["type"] == "task.succeeded")
        urls = await self._urls(row for row in rows if row["type"] == "asset.created")
        return [dumps(_event(row, outputs, urls)) for row in rows]

    async def _outputs(self, rows: Iterable[Row]) -> Mapping[UUID, list[dict[str, Any]]]:
        asks = [(row["task_id"], row["workspace_id"], row["mode"]) for row in rows]
        shown = await self._tasks.find_asked(asks) if asks else []
        return {task_id: task.outputs for (task_id, *_), task in zip(asks, shown, strict=True) if task is not None}

    async def _urls(self, rows: Iterable[Row]) -> Mapping[str, dict[str, Any]]:
        ids = [orjson.loads(row["data"]).get("id") for row in rows]
        return await self._assets.find_urls([asset_id for asset_id in ids if asset_id]) if ids else {}


def _event(row: Row, outputs: Mapping[UUID, Any], urls: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": encode("evt", row["id"]),
        "object": "event",
        "type": row["type"],
        "version": VERSION,
        "timestamp": moment(row["created_at"]),
        "workspace_id": encode("ws", row["workspace_id"]),
        "mode": row["mode"],
        "data": _data(row, outputs, urls),
    }


def _data(row: Row, outputs: Mapping[UUID, Any], urls: Mapping[str, Any]) -> Any:
    if row["task_id"] is not None:
        return orjson.loads(row["data"]) | {"outputs": outputs.get(row["task_id"], [])}
    if row["type"] == "asset.created":
        data = orjson.loads(row["data"])
        return data | {"urls": urls.get(data.get("id"), assets.NO_URLS)}
    return orjson.Fragment(row["data"])
