"""A vendor is down for an hour: its tasks are done by the next one of their route, and it is hardly asked."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.settings import Settings
from app.generation import files
from app.providers.catalog import Catalog
from tests.vendors.faults import DOWN
from tests.vendors.peer import Peer
from tests.vendors.studio import Studio, api, studio

PROMPT = {"prompt": "a red bicycle", "width": 512, "height": 512}
MINUTE = 1.0
"""Seconds: time runs sixty times as fast, the breaker's too."""
MINUTES = 5
FEW = 6
"""Calls in a minute to a vendor that is down: as many failures as open the breaker, and those that look again."""


@pytest.fixture
async def pair(
    settings: Settings,
    database: Database,
    vendor_tools: AssetTools,
    peers: dict[str, Peer],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Studio]:
    monkeypatch.setattr(files, "PAUSE_SECONDS", 0.01)
    two = {name: peers[name] for name in ("replicate", "together")}
    async with api(two.values(), PROVIDERS_BREAKER_SECONDS=str(30 * MINUTE / 60)) as found:
        catalog = Catalog.load(found)
        async with studio(found, database, vendor_tools, catalog, two) as made:
            yield made
        await catalog.close()


async def test_an_hour_of_503_is_not_noticed(pair: Studio) -> None:
    down, other = pair.peers["replicate"], pair.peers["together"]
    down.fail("order", DOWN)
    clock = asyncio.get_running_loop().time
    began, done = clock(), 0
    while clock() - began < MINUTES * MINUTE:
        task = await pair.finish(await pair.order("text_to_image", PROMPT, model="flux-schnell"))
        assert (task["status"], task["provider"], task["credits"]["charged"]) == ("succeeded", "together", 1)
        done += 1
    minutes = Counter(int((at - began) / MINUTE) for at in down.ordered_at)
    print(f"{done} tasks; calls to the one that is down, by minute: {dict(sorted(minutes.items()))}")
    assert done >= 2 * FEW
    assert max(minutes.values()) <= FEW
    assert sum(count for minute, count in minutes.items() if minute) <= 3 * MINUTES
    assert (len(down.orders), len(other.orders)) == (0, done)
    assert await pair.spent() == (done, 0)


async def test_many_at_once_are_done_too(pair: Studio) -> None:
    """With several calls under way before the first has failed."""
    down, other = pair.peers["replicate"], pair.peers["together"]
    down.fail("order", DOWN)
    task_ids = [await pair.order("text_to_image", PROMPT, model="flux-schnell") for _ in range(10)]
    tasks = await asyncio.gather(*map(pair.finish, task_ids))
    assert {(task["status"], task["provider"]) for task in tasks} == {("succeeded", "together")}
    assert (len(down.orders), len(other.orders), await pair.spent()) == (0, 10, (10, 0))
    assert down.asked["order"] <= 10 + 2 * FEW


async def test_when_it_is_back_it_is_used_again(pair: Studio) -> None:
    down = pair.peers["replicate"]
    down.fail("order", DOWN, times=3)
    task = await pair.finish(await pair.order("text_to_image", PROMPT, model="flux-schnell"))
    assert task["status"] == "succeeded"
    for _ in range(20):
        await asyncio.sleep(0.25 * MINUTE)
        task = await pair.finish(await pair.order("text_to_image", PROMPT, model="flux-schnell"))
        if task["provider"] == "replicate":
            break
    assert (task["status"], task["provider"]) == ("succeeded", "replicate")
