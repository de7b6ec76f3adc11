"""What the streams of tasks and batches say next: read once, and written once, for all who follow the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from app.accounts.schemas import CallerInfo
from app.core.ids import encode
from app.core.lane import Lane
from app.core.wire import dumps
from app.events.following import News
from app.events.reader import EventReader, Subject
from app.generation.reader import Ask, Shown, TaskReader

LAST_OF_TASK = frozenset({"task.succeeded", "task.failed", "task.canceled"})
LAST_OF_BATCH = "batch.completed"
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class _Ask:
    subject: Subject
    id: UUID
    after: int
    workspace_id: UUID
    mode: str


class Teller:
    """One per API process."""

    def __init__(self, events: EventReader, tasks: TaskReader) -> None:
        self._events = events
        self._tasks = tasks
        self._lane: Lane[_Ask, News | None] = Lane(self._tell, most=AT_ONCE, shares=True)

    async def next(self, caller: CallerInfo, subject: Subject, subject_id: UUID, *, after: int) -> News | None:
        """What has happened to the task or batch since that position; None when nothing has."""
        return await self._lane.do(_Ask(subject, subject_id, after, caller.workspace_id, caller.mode))

    async def _tell(self, asks: Sequence[_Ask]) -> list[News | None]:
        found = await self._events.list_all_following(
            [(ask.subject, (ask.id, ask.workspace_id, ask.after)) for ask in asks]
        )
        ended: list[Ask] = [
            (row["task_id"], ask.workspace_id, ask.mode)
            for ask, rows in zip(asks, found, strict=True)
            for row in rows
            if row["type"] in LAST_OF_TASK
        ]
        shown = await self._tasks.find_asked(ended) if ended else []
        tasks = {task_id: task for (task_id, *_), task in zip(ended, shown, strict=True) if task is not None}
        return [_news(ask, rows, tasks) if rows else None for ask, rows in zip(asks, found, strict=True)]


def _news(ask: _Ask, rows: Sequence[asyncpg.Record], tasks: Mapping[UUID, Shown]) -> News:
    """A task that is deleted meanwhile, or was tried again, is not as its last event tells."""
    told = [_message(row, tasks) for row in rows if row["type"] not in LAST_OF_TASK or row["task_id"] in tasks]
    latest = rows[-1]
    is_over = ask.subject == "task" and latest["type"] in LAST_OF_TASK
    if is_over and ask.id in tasks:
        is_over = tasks[ask.id].is_ended
    is_last = latest["type"] in LAST_OF_TASK or latest["type"] == LAST_OF_BATCH
    return News(b"".join(told), latest["position"], is_last, is_over)


def _message(event: asyncpg.Record, tasks: Mapping[UUID, Shown]) -> bytes:
    """`data` is the task as it was at the event; results come with success, with fresh links."""
    data: bytes = event["data"].encode()
    if event["task_id"] is not None:
        outputs = dumps(tasks[event["task_id"]].outputs) if event["type"] == "task.succeeded" else b"[]"
        data = data[:-1] + b', "outputs": ' + outputs + b"}"
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (encode("evt", event["id"]).encode(), event["type"].encode(), data)
