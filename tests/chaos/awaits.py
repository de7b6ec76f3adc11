"""An event loop that knows where our code awaits, and ends the process there.

Each task's coroutine is driven through a wrapper. Whenever it suspends, the frames of ours that wait are the place; the
place and how often it was met name the moment. At the wanted moment the process is killed: either `sent`, as soon as
it waits (what it asked for may still be done), or `answered`, when the answer is there and nothing was made of it yet.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.settings import __file__ as _one_of_ours

ROOT = str(Path(_one_of_ours).parents[2])
OURS = f"{ROOT}/app/"
LONGEST = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """The nth time that this place waits; `when` is `sent` or `answered`."""

    place: str
    nth: int
    when: str


class Watch:
    """Counts the places, and kills at the moment."""

    def __init__(self, moment: Moment | None) -> None:
        self._moment = moment
        self.seen: Counter[str] = Counter()

    def waits(self, place: str) -> int:
        self.seen[place] += 1
        self._end_at(place, self.seen[place], "sent")
        return self.seen[place]

    def goes_on(self, place: str, nth: int) -> None:
        self._end_at(place, nth, "answered")

    def _end_at(self, place: str, nth: int, when: str) -> None:
        if self._moment == Moment(place, nth, when):
            os.kill(os.getpid(), signal.SIGKILL)

    def factory(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """To be the loop's task factory."""
        return asyncio.Task(_Driven(coro, self) if asyncio.iscoroutine(coro) else coro, loop=loop, **options)


class _Driven(Coroutine[Any, Any, Any]):
    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner, self._watch = inner, watch
        self._waiting: tuple[str, int] | None = None

    def send(self, value: Any) -> Any:
        self._resume()
        return self._suspended(self._inner.send(value))

    def throw(self, *fault: Any) -> Any:
        self._resume()
        return self._suspended(self._inner.throw(*fault))

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield from self._inner.__await__())

    def __getattr__(self, name: str) -> Any:  # cr_frame and the like, for those who look at tasks
        return getattr(self._inner, name)

    def _resume(self) -> None:
        if self._waiting:
            self._watch.goes_on(*self._waiting)

    def _suspended(self, value: Any) -> Any:
        place = _place(self._inner)
        self._waiting = (place, self._watch.waits(place)) if place else None
        return value


def _place(coroutine: Any) -> str:
    """Our frames from the outermost to the innermost that can be seen; empty where none of ours waits."""
    frames = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and frame.f_code.co_filename.startswith(OURS):
            name = frame.f_code.co_filename.removeprefix(OURS)
            frames.append(f"{name}:{frame.f_lineno} {frame.f_code.co_name}")
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return " > ".join(frames[-LONGEST:])
