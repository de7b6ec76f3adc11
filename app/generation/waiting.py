"""Waiting for a task: one request held open, or a stream of its events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from uuid import UUID

from app.accounts.schemas import CallerInfo
from app.core.bells import BellTower
from app.core.ids import decode
from app.events.following import Followed, News
from app.events.reader import EventReader, Subject
from app.generation.reader import Shown, State, TaskReader
from app.generation.telling import Teller


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


def followed(
    lookout: Lookout,
    caller: CallerInfo,
    subject: Subject,
    subject_id: UUID,
    *,
    is_over: Callable[[int], Awaitable[bool]],
    is_admitted: Callable[[], Awaitable[bool]],
) -> Followed:
    async def news(after: int) -> News | None:
        return await lookout.teller.next(caller, subject, subject_id, after=after)

    return Followed(str(subject_id), news, is_admitted, is_over)


def followed_task(
    lookout: Lookout, caller: CallerInfo, task_id: UUID, is_admitted: Callable[[], Awaitable[bool]]
) -> Followed:
    async def is_over(_: int) -> bool:
        """A task may have been begun again since; one that is deleted is over."""
        state = await lookout.tasks.find_state(caller, task_id)
        return state is None or state.is_ended

    return followed(lookout, caller, "task", task_id, is_over=is_over, is_admitted=is_admitted)


async def resume_point(
    lookout: Lookout, followed: Followed, subject: Subject, subject_id: UUID, last_event_id: str | None
) -> tuple[int, bool]:
    """The position to go on after, and whether nothing more will come.

    An unknown `Last-Event-ID` starts at the beginning: better an event twice than one never.
    """
    try:
        event_id = decode("evt", last_event_id) if last_event_id else None
    except ValueError:
        event_id = None
    found = event_id and await lookout.events.find_position(event_id, subject=subject, subject_id=subject_id)
    position = found or 0
    is_over = followed.is_over is not None and await followed.is_over(position)
    return position, is_over and await followed.next(position) is None
