"""What the event log tells of a workspace, and whether it is what its type says."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator

from app.core.db import Database
from app.feed.schemas import EVENT_TYPES

Json = dict[str, Any]
_TOLD = """
    select type, mode, task_id, batch_id, data from events
    where workspace_id = $1 and type not like 'mail.%' order by position
"""
_ADDED = {"task": {"outputs": []}, "asset.created": {"urls": {"full": None, "medium": None, "thumbnail": None}}}
"""What whoever reads an event is given besides: by its type, or the first word of that."""
_SCHEMAS = {
    name: Draft202012Validator(
        told.data.model_json_schema(mode="serialization"), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for name, told in EVENT_TYPES.items()
}


@dataclass(frozen=True)
class Told:
    type: str
    mode: str
    data: Json
    task_id: UUID | None


async def told(database: Database, workspace_id: UUID, *families: str) -> list[Told]:
    """All events of the workspace, of these families if any is named, in the order in which they were written."""
    rows = await database.fetch(_TOLD, workspace_id)
    found = [Told(row["type"], row["mode"], json.loads(row["data"]), row["task_id"]) for row in rows]
    return [one for one in found if not families or one.type.partition(".")[0] in families]


async def names(database: Database, workspace_id: UUID, *families: str) -> list[str]:
    return [one.type for one in await told(database, workspace_id, *families)]


async def wait_for(database: Database, workspace_id: UUID, type_: str, count: int = 1) -> list[Told]:
    """Those events, once there are so many."""
    async with asyncio.timeout(30):
        while len(found := [one for one in await told(database, workspace_id) if one.type == type_]) < count:
            await asyncio.sleep(0.05)
    return found


def check(events: Iterable[Told]) -> None:
    """Each has all that its type has, nothing else, and that in its shape."""
    for event in events:
        added = _ADDED.get(event.type, _ADDED.get(event.type.partition(".")[0], {}))
        data = event.data | added
        faults = [
            f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in _SCHEMAS[event.type].iter_errors(data)
        ]
        assert faults == [], event.type
        assert data.keys() == EVENT_TYPES[event.type].data.model_fields.keys(), event.type
