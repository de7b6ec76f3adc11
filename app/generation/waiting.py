"""Waiting for a task: one request held open, or a stream of its events."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from uuid import UUID

from app.accounts.schemas import CallerInfo
from app.core.bells import BellTower
from app.core.ids import decode
from app.core.streams import Last
from app.events.reader import EventReader, Subject
from app.generation.reader import Shown, State, TaskReader
from app.generation.telling import LAST_OF_TASK, Teller

PING_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000


@dataclass(frozen=True, slots=True)
class Lookout:
    """What waiting takes: who reads, and who rings. One per API process."""

    tasks: TaskReader
    events: EventReader
    teller: Teller
    bells: BellTower


async def until_ended(
    lookout: Lookout,
    subject_id: UUID,
    look: Callable[[], Awaitable[State | None]],
    *,
    seconds: float,
    is_over: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Return when the task or batch has ended or is not there, the seconds are over, or the process shuts down.

    After a ring `is_over` is asked first: for who has a use for what is read then.
    """
    limit = monotonic() + seconds
    with lookout.bells.bell(str(subject_id)) as bell:
        while True:
            state = await look()
            left = limit - monotonic()
            if state is None or state.is_ended or left <= 0 or lookout.bells.is_closing:
                return
            bell.seen = state.position
            await bell.wait(left)
            if is_over is not None and await is_over():
                return


async def end_of_task(lookout: Lookout, caller: CallerInfo, task_id: UUID, *, seconds: float) -> Shown | None:
    """Wait as `until_ended` does: the task, if that is how its end was learned; else it is still to be read."""
    task: Shown | None = None

    async def is_over() -> bool:
        nonlocal task
        task = await lookout.tasks.find(caller, task_id)
        return task is None or task.is_ended

    look = partial(lookout.tasks.find_state, caller, task_id)
    await until_ended(lookout, task_id, look, seconds=seconds, is_over=is_over)
    return task if task is not None and task.is_ended else None


@dataclass(frozen=True, slots=True)
class Followed:
    """Whose events are streamed. After one of the `last` types the stream ends if `is_over` says so of its position.

    It also ends soon after `is_admitted` says that the caller is not let in any more.
    """

    subject: Subject
    id: UUID
    last: frozenset[str]
    is_over: Callable[[int], Awaitable[bool]]
    is_admitted: Callable[[], Awaitable[bool]]


def followed_task(
    lookout: Lookout, caller: CallerInfo, task_id: UUID, is_admitted: Callable[[], Awaitable[bool]]
) -> Followed:
    async def is_over(_: int) -> bool:
        """A task may have been begun again since; one that is deleted is over."""
        state = await lookout.tasks.find_state(caller, task_id)
        return state is None or state.is_ended

    return Followed("task", task_id, LAST_OF_TASK, is_over, is_admitted)


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


async def stream(
    lookout: Lookout, caller: CallerInfo, followed: Followed, *, after: int
) -> AsyncGenerator[bytes, None]:
    """The events as server-sent events, from the beginning or after a position, until the end.

    No more is read than the client takes: what it has not read yet stays in the log. After `Last` there is nothing.
    """
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
    last_sent = last_admitted = monotonic()
    with lookout.bells.bell(str(followed.id)) as bell:
        while not lookout.bells.is_closing:
            news = await lookout.teller.next(caller, followed.subject, followed.id, after=after)
            if news is not None:
                yield Last(news.messages) if news.is_over else news.messages
                after, last_sent = news.position, monotonic()
                if news.type in followed.last and await followed.is_over(after):
                    return
                continue
            bell.seen = after
            await bell.wait(PING_SECONDS)
            if monotonic() - last_admitted >= PING_SECONDS:
                if not await followed.is_admitted():
                    return
                last_admitted = monotonic()
            if monotonic() - last_sent >= PING_SECONDS:
                yield b": ping\n\n"
                last_sent = monotonic()
