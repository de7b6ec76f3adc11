"""Bells: waiting for "there is something new"."""

import asyncio
from math import inf
from time import monotonic

import pytest

from app.core.bells import Bell


async def test_a_ring_ends_the_wait() -> None:
    bell = Bell(inf)
    waiting = asyncio.create_task(bell.wait(30))
    await asyncio.sleep(0)
    bell.ring()
    bell.ring()
    async with asyncio.timeout(1):
        await waiting


async def test_a_ring_before_the_wait_is_heard_once() -> None:
    bell = Bell(inf)
    bell.ring()
    began = monotonic()
    await bell.wait(30)
    await bell.wait(0.1)
    assert 0.05 < monotonic() - began < 5


@pytest.mark.parametrize(("timeout", "longest"), [(0.05, inf), (30, 0.05), (0, inf), (-1, inf)])
async def test_a_wait_ends_by_itself(timeout: float, longest: float) -> None:
    async with asyncio.timeout(1):
        await Bell(longest).wait(timeout)


async def test_who_stops_waiting_may_wait_again() -> None:
    bell = Bell(inf)
    waiting = asyncio.create_task(bell.wait(30))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bell.ring()
    async with asyncio.timeout(1):
        await bell.wait(30)
