"""Work that is kept while its lease is, and what is left of a cancel that was meant for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from app.core.db import Database
from app.core.ids import new_id
from app.generation.leases import Claim, Heart, LostLease


@pytest.fixture
async def heart(database: Database) -> AsyncIterator[Heart]:
    heart = Heart(database, timedelta(seconds=5))
    yield heart
    await heart.close()


def cancels() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def test_who_lost_the_lease_is_stopped(heart: Heart) -> None:
    claim = Claim(new_id(), 1, 0)

    async def work() -> None:
        heart._lose(claim)
        await asyncio.sleep(5)

    with pytest.raises(LostLease):
        await heart.keep(claim, work())
    assert cancels() == 0


async def test_a_stop_that_comes_too_late_leaves_nothing_behind(heart: Heart) -> None:
    """A library that gives up waiting by canceling itself may take ours for its own."""
    claim = Claim(new_id(), 1, 0)

    async def work() -> None:
        heart._lose(claim)
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(5)

    await heart.keep(claim, work())
    assert cancels() == 0
