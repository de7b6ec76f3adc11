"""Event objects as customers get them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.assets.tools import AssetTools
from app.core.ids import encode
from app.core.wire import dumps, moment
from app.generation.reader import TaskReader


class Renderer:
    """One per process."""

    def __init__(self, tasks: TaskReader, tools: AssetTools) -> None:
        self._tasks = tasks

    async def render(self, rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """Each as JSON, in this order."""
        asks = [(r["task_id"], r["workspace_id"], r["mode"]) for r in rows if r["type"] == "task.succeeded"]
        shown = await self._tasks.find_asked(asks)
        outputs = {ask[0]: one.outputs for ask, one in zip(asks, shown, strict=True) if one is not None}
        return [dumps(_event(row, outputs)) for row in rows]


def _event(row: Mapping[str, Any], outputs: Mapping[Any, Any]) -> dict[str, Any]:
    data = orjson.loads(row["data"])
    if row["task_id"] is not None:
        data["outputs"] = outputs.get(row["task_id"], [])
    return {
        "id": encode("evt", row["id"]),
        "object": "event",
        "type": row["type"],
        "version": 1,
        "timestamp": moment(row["created_at"]),
        "workspace_id": encode("ws", row["workspace_id"]),
        "mode": row["mode"],
        "data": data,
    }
