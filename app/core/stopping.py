"""Hearing that the process is to stop before the server does, so that open waits end instead of holding it up."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_stop_signal(announce: Callable[[], None]) -> Iterator[None]:
    """Call `announce` on the event loop when SIGTERM or SIGINT comes, then do what was done with them before.

    A server waits for its open connections before it tells the application to shut down; a stream that only ends at
    that shutdown would hold it up. Outside the main thread signals cannot be heard: then nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {number: signal.getsignal(number) for number in SIGNALS}

    def heard(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(announce)
        if callable(before[number]):
            before[number](number, frame)

    for number in SIGNALS:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number in SIGNALS:
            if signal.getsignal(number) is heard:
                signal.signal(number, before[number])
