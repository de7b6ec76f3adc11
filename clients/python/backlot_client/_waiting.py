"""The bounds within which both clients wait for a task."""

import time
from collections.abc import Callable
from math import inf

from backlot_client.events import ENDED
from backlot_client.models import Task

WAIT_SECONDS = 600.0
SILENCE = 20.0
"""Pings come every 15 seconds: a stream that is quieter than that is kept back somewhere on the way."""
MOST_FAILURES = 2
"""So often in a row a stream may fail before the task is polled instead."""
HOLD = 25.0
"""How long an answer is held by the server: less than proxies bear."""
HOLD_FOR_PROGRESS = 2.0
LAST_STRETCH = 16.0
"""A blocked read of a stream returns by the next ping at the latest. Nearer to the limit a held answer is exact."""

Progress = Callable[[Task], object]


class Limit:
    """Until when to wait; `seconds` None: to the end, whenever that is."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = inf if seconds is None else seconds
        self._until = time.monotonic() + self.seconds

    def left(self) -> float:
        return max(0.0, self._until - time.monotonic())


class Seen:
    """The task as it was last seen; tells of each change once."""

    def __init__(self, on_progress: Progress | None) -> None:
        self.task: Task | None = None
        self.on_progress = on_progress

    def see(self, task: Task) -> bool:
        """Whether it has ended."""
        before, self.task = self.task, task
        if self.on_progress is not None and (
            before is None or (before.status, before.progress) != (task.status, task.progress)
        ):
            self.on_progress(task)
        return task.status in ENDED
