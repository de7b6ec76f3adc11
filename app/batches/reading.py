"""Batches as the customer sees them: one builder of the wire's items; the rest is `batch_shown` of the database."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from app.assets import reading as asset_reading
from app.assets.tools import AssetTools
from app.core.amounts import to_number
from app.core.ids import encode
from app.generation.models import OPEN, TaskStatus

Json = dict[str, Any]
AT_ONCE = 25
"""Items built before others get their turn."""


def _credits(quoted: int, charged: int, *, is_open: bool) -> Json:
    return {"quoted": to_number(quoted), "held": to_number(quoted) if is_open else 0, "charged": to_number(charged)}


def first(
    index: int, filename: str | None, metadata: Json, task_id: UUID | None, error: Json | None, quoted: int
) -> Json:
    """An item as it was when the batch was ordered: its task waits, or there is none."""
    return {
        "index": index,
        "filename": filename,
        "status": (TaskStatus.PENDING if task_id else TaskStatus.FAILED).value,
        "task_id": encode("task", task_id) if task_id else None,
        "outputs": [],
        "error": error,
        "credits": _credits(quoted, 0, is_open=True),
        "metadata": metadata,
    }


def _first(row: Sequence[Any]) -> Json:
    """From a row of `WHOLE_BATCH`."""
    index, filename, metadata, error, task_id, _, _, quoted, *_ = row
    return first(index, filename, metadata, UUID(task_id) if task_id else None, error, quoted or 0)


def _item(tools: AssetTools, row: Sequence[Any]) -> Json:
    """The same as things are now. Of a task that was deleted its status and credits are left."""
    *_, task_id, is_deleted, status, quoted, charged, fault, output_ids, made = row
    shown = _first(row)
    if task_id is not None:
        shown |= {
            "status": status,
            "error": fault and fault | {"pointer": None},
            "credits": _credits(quoted, charged, is_open=status in OPEN),
            "outputs": [] if is_deleted else asset_reading.in_order(tools, made or (), output_ids),
        }
    return shown | {"task_id": None} if is_deleted else shown


async def whole(tools: AssetTools, row: Mapping[str, Any]) -> Json:
    """The batch with its items, from a row of `WHOLE_BATCH`."""
    shown: Json = orjson.loads(row["shown"])
    shown["items"] = items = []
    for number, item in enumerate(orjson.loads(row["items"])):
        if number % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        items.append(_item(tools, item))
    return shown


def as_ordered(row: Mapping[str, Any]) -> Json:
    """The batch as it was first answered, from a row of `WHOLE_BATCH`: whatever has become of it since."""
    shown: Json = orjson.loads(row["shown"])
    items = [_first(item) for item in orjson.loads(row["items"])]
    ordered = sum(item["task_id"] is not None for item in items)
    quoted = shown["summary"]["credits"]["quoted"]
    shown["summary"] = {
        "total": len(items),
        "pending": ordered,
        "processing": 0,
        "succeeded": 0,
        "failed": len(items) - ordered,
        "canceled": 0,
        "credits": {"quoted": quoted, "held": quoted, "charged": 0},
    }
    return shown | {"status": "pending", "completed_at": None, "items": items}
