"""Waiting for a task: one request held open, or a stream of its events."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import asyncpg

from app.accounts.schemas import CallerInfo
from app.core.bells import BellTower
from app.core.ids import decode, encode
from app.core.wire import dumps
from app.events.reader import EventReader, Subject
from app.generation.reader import State, TaskReader

PING_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000
LAST_OF_TASK = frozenset({"task.succeeded", "task.failed", "task.canceled"})


@dataclass(frozen=True, slots=True)
class Lookout:
    """What waiting takes: who reads, and who rings. One per API process."""

    tasks: TaskReader
    events: EventReader
    bells: BellTower


async def until_ended(
    lookout: Lookout, subject_id: UUID, look: Callable[[], Awaitable[State | None]], *, seconds: float
) -> None:
    """Return when the task or batch has ended or is not there, the seconds are over, or the process shuts down."""
    limit = monotonic() + seconds
    with lookout.bells.bell(str(subject_id)) as bell:
        while True:
            state = await look()
            left = limit - monotonic()
            if state is None or state.is_ended or left <= 0 or lookout.bells.is_closing:
                return
            bell.seen = state.position
            await bell.wait(left)


@dataclass(frozen=True, slots=True)
class Followed:
    """Whose events are streamed. After one of the `last` types the stream ends if `is_over` says so of its position."""

    subject: Subject
    id: UUID
    last: frozenset[str]
    is_over: Callable[[int], Awaitable[bool]]


def followed_task(lookout: Lookout, caller: CallerInfo, task_id: UUID) -> Followed:
    async def is_over(_: int) -> bool:
        """A task may have been begun again since; one that is deleted is over."""
        state = await lookout.tasks.find_state(caller, task_id)
        return state is None or state.is_ended

    return Followed("task", task_id, LAST_OF_TASK, is_over)


async def resume_point(
    lookout: Lookout, caller: CallerInfo, followed: Followed, last_event_id: str | None
) -> tuple[int, bool]:
    """The position to go on after, and whether nothing more will come.

    An unknown `Last-Event-ID` starts at the beginning: better an event twice than one never.
    """
    try:
        event_id = decode("evt", last_event_id) if last_event_id else None
    except ValueError:
        event_id = None
    if event_id is None:
        return 0, False
    found = await lookout.events.find_position(event_id, subject=followed.subject, subject_id=followed.id)
    position = found or 0
    if not (position and await followed.is_over(position)):
        return position, False
    following = await lookout.events.list_following(
        followed.subject, followed.id, workspace_id=caller.workspace_id, after=position
    )
    return position, not following


async def stream(lookout: Lookout, caller: CallerInfo, followed: Followed, *, after: int) -> AsyncIterator[bytes]:
    """The events as server-sent events, from the beginning or after a position, until the end.

    No more is read than the client takes: what it has not read yet stays in the log.
    """
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
    last_sent = monotonic()
    with lookout.bells.bell(str(followed.id)) as bell:
        while not lookout.bells.is_closing:
            rows = await lookout.events.list_following(
                followed.subject, followed.id, workspace_id=caller.workspace_id, after=after
            )
            for row in rows:
                message = await _message(lookout, caller, row)
                if message is None and followed.subject == "task":  # it was deleted meanwhile
                    return
                if message is not None:
                    yield message
                after, last_sent = row["position"], monotonic()
            if rows:
                if rows[-1]["type"] in followed.last and await followed.is_over(after):
                    return
                continue
            bell.seen = after
            await bell.wait(PING_SECONDS)
            if monotonic() - last_sent >= PING_SECONDS:
                yield b": ping\n\n"
                last_sent = monotonic()


async def _message(lookout: Lookout, caller: CallerInfo, event: asyncpg.Record) -> bytes | None:
    """`data` is the task as it was at the event; results come with success, with fresh links.

    None when it tells the end of a task that is not there any more.
    """
    outputs = b"[]"
    if event["type"] in LAST_OF_TASK:
        task = await lookout.tasks.find(caller, event["task_id"])
        if task is None:
            return None
        if event["type"] == "task.succeeded":
            outputs = dumps(task.outputs)
    data: bytes = event["data"].encode()
    if event["task_id"] is not None:
        data = data[:-1] + b', "outputs": ' + outputs + b"}"
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (encode("evt", event["id"]).encode(), event["type"].encode(), data)
