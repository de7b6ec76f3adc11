"""Answers that come at one pace, so that how long they took tells nothing of what was found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.settings import Settings


@asynccontextmanager
async def even(settings: Settings, *, failures_only: bool = False) -> AsyncIterator[None]:
    """What is done within ends, well or not, at a whole multiple of `settings.auth.pace_seconds` after its beginning.

    Hold no transaction around this: it mostly waits.
    """
    loop = asyncio.get_running_loop()
    started, step = loop.time(), settings.auth.pace_seconds
    try:
        yield
    except Exception:
        await asyncio.sleep(_left(loop.time() - started, step))
        raise
    if not failures_only:
        await asyncio.sleep(_left(loop.time() - started, step))


def _left(elapsed: float, step: float) -> float:
    return step - elapsed % step if step > 0 else 0
