"""Waiting for a task: one request held open, or a stream of its events."""

import json
from collections.abc import AsyncIterator
from time import monotonic
from uuid import UUID

from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.core.bells import BellTower
from app.core.db import Database
from app.core.ids import decode, encode
from app.events import service as events
from app.events.models import Event
from app.generation import queries, reading, service
from app.generation.errors import TaskNotFound
from app.generation.models import ENDED
from app.generation.schemas import TaskRead

PING_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000
_LAST = ("task.succeeded", "task.failed", "task.canceled")


async def until_ended(
    database: Database, bells: BellTower, caller: CallerInfo, task_id: UUID, *, seconds: float
) -> None:
    """Return when the task has ended, the seconds are over, or the process shuts down. Raises TaskNotFound."""
    limit = monotonic() + seconds
    with bells.bell(str(task_id)) as bell:
        while True:
            async with database.transaction() as session:
                status = await queries.find_status(session, task_id, workspace_id=caller.workspace_id, mode=caller.mode)
            if status is None:
                raise TaskNotFound
            left = limit - monotonic()
            if status in ENDED or left <= 0 or bells.is_closing:
                return
            await bell.wait(left)


async def resume_point(
    database: Database, caller: CallerInfo, task_id: UUID, last_event_id: str | None
) -> tuple[int, bool]:
    """The position to go on after, and whether nothing more will come. Raises TaskNotFound.

    An unknown `Last-Event-ID` starts at the beginning: better an event twice than one never.
    """
    async with database.transaction() as session:
        task = await service.get_task(session, caller, task_id)
        position = 0
        if last_event_id:
            try:
                event_id = decode("evt", last_event_id)
            except ValueError:
                event_id = None
            if event_id is not None:
                position = await events.find_position(session, event_id, task_id=task_id) or 0
        if not (position and task.is_ended):
            return position, False
        following = await events.list_of_task(session, task_id, workspace_id=caller.workspace_id, after=position)
        return position, not following


async def stream(
    database: Database, bells: BellTower, tools: AssetTools, caller: CallerInfo, task_id: UUID, *, after: int
) -> AsyncIterator[bytes]:
    """The task's events as server-sent events, from the beginning or after a position, until its end."""
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
    last_sent = monotonic()
    with bells.bell(str(task_id)) as bell:
        while not bells.is_closing:
            async with database.transaction() as session:
                rows = await events.list_of_task(session, task_id, workspace_id=caller.workspace_id, after=after)
                is_told_the_end = any(row.type in _LAST for row in rows)
                current = None
                if is_told_the_end:
                    try:
                        task = await service.get_task(session, caller, task_id)
                    except TaskNotFound:  # it was deleted meanwhile
                        return
                    current = await reading.read(session, tools, task)
            for row in rows:
                yield _message(row, current)
                after, last_sent = row.position, monotonic()
            if current is not None and rows[-1].type in _LAST and current.status in ENDED:
                return
            if rows:
                continue
            await bell.wait(PING_SECONDS)
            if monotonic() - last_sent >= PING_SECONDS:
                yield b": ping\n\n"
                last_sent = monotonic()


def _message(event: Event, current: TaskRead | None) -> bytes:
    """`data` is the task as it was at the event; results come with success, with fresh links."""
    outputs = current.outputs if current is not None and event.type == "task.succeeded" else []
    data = {**event.data, "outputs": [output.model_dump(mode="json") for output in outputs]}
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"id: {encode('evt', event.id)}\nevent: {event.type}\ndata: {body}\n\n".encode()
