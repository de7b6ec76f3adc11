"""Requests a minute: counted once, for all processes together, and told with each answer."""

import asyncio
import re
from collections import Counter

import httpx
import pytest
from arq.connections import ArqRedis
from fastapi import Request

from app.accounts.keys import limits
from app.accounts.keys.errors import RateLimited
from app.accounts.keys.limits import KeyGate
from app.accounts.schemas import CallerInfo, KeyLimits
from app.core import queue
from app.core.ids import new_id
from app.core.settings import Settings
from tests.accounts.keys.conftest import MakeKey
from tests.accounts.keys.serving import serve
from tests.conftest import Account, client, free_port

TOLD = re.compile(r'"key";r=(\d+);t=(\d+)')


def told(answer: httpx.Response) -> tuple[int, int]:
    found = TOLD.fullmatch(answer.headers["ratelimit"])
    assert found, answer.headers
    return int(found[1]), int(found[2])


async def test_each_answer_tells_what_is_left(make_key: MakeKey) -> None:
    _, limited = await make_key(rate_limit=30)
    seen = []
    for path in ("/v1/credits", "/v1/tasks", "/v1/nothing-here", "/v1/tasks/nonsense"):
        answer = await limited.get(path)
        if path == "/v1/nothing-here":
            assert "ratelimit" not in answer.headers  # nobody was asked who they are
            continue
        assert answer.headers["ratelimit-policy"] == '"key";q=30;w=60'
        seen.append(told(answer)[0])
    assert seen == [29, 28, 27]


async def test_the_shortcut_counts_once_and_tells_too(account: Account, make_key: MakeKey) -> None:
    _, limited = await make_key(account.test, rate_limit=30)
    order = {"operation": "text_to_image", "input": {"prompt": "a cat"}}
    accepted = await limited.post("/v1/tasks", json=order)
    assert (accepted.status_code, told(accepted)[0]) == (202, 29)
    path = accepted.headers["location"]
    read = await limited.get(path)
    assert (read.status_code, told(read)[0]) == (200, 28)
    same = await limited.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert (same.status_code, told(same)[0]) == (304, 27)
    declined = await limited.post("/v1/tasks", json={"operation": 7})  # looked at by the shortcut, then by the route
    assert (declined.status_code, told(declined)[0]) == (422, 26)
    forbidden = await limited.get("/v1/api-keys")
    assert (forbidden.status_code, told(forbidden)[0]) == (403, 25)
    await limited.post(f"{path}/cancel")


async def test_who_is_too_fast_hears_when_to_come_again(make_key: MakeKey) -> None:
    _, limited = await make_key(rate_limit=3)
    assert [(await limited.get("/v1/credits")).status_code for _ in range(3)] == [200] * 3
    refused = await limited.get("/v1/credits")
    body = refused.json()
    assert (refused.status_code, body["code"]) == (429, "rate_limited")
    left, reset = told(refused)
    assert (left, reset) == (0, int(refused.headers["retry-after"]))
    assert 15 <= reset <= 20  # one in twenty seconds


async def test_a_key_without_a_limit_is_told_none(make_key: MakeKey) -> None:
    _, free = await make_key()
    answer = await free.get("/v1/credits")
    assert "ratelimit" not in answer.headers
    assert "ratelimit-policy" not in answer.headers


async def test_two_processes_count_together(settings: Settings, other: Settings, make_key: MakeKey) -> None:
    key, here = await make_key(rate_limit=10)
    async with client(other, key["secret"]) as there:
        asked = [place.get("/v1/credits") for _ in range(15) for place in (here, there)]
        found = Counter(answer.status_code for answer in await asyncio.gather(*asked))
    assert found == {200: 10, 429: 20}


async def test_a_new_limit_holds_at_once(account: Account, make_key: MakeKey) -> None:
    key, limited = await make_key(rate_limit=2)
    await limited.get("/v1/credits")
    changed = await account.live.patch(f"/v1/api-keys/{key['id']}", json={"rate_limit": 600})
    assert changed.json()["rate_limit"] == 600
    answer = await limited.get("/v1/credits")
    assert answer.headers["ratelimit-policy"] == '"key";q=600;w=60'
    await account.live.patch(f"/v1/api-keys/{key['id']}", json={"rate_limit": None})
    assert "ratelimit" not in (await limited.get("/v1/credits")).headers


async def test_without_redis_each_process_counts_by_itself(settings: Settings, make_key: MakeKey) -> None:
    key, _ = await make_key(rate_limit=5)
    async with serve(settings, redis=f"redis://127.0.0.1:{free_port()}/0") as alone, client(alone, key["secret"]) as it:
        found = [await it.get("/v1/credits") for _ in range(8)]
    assert [answer.status_code for answer in found] == [200] * 5 + [429] * 3
    assert [told(answer)[0] for answer in found[:5]] == [4, 3, 2, 1, 0]
    assert 8 <= int(found[-1].headers["retry-after"]) <= 12


def asking(caller: CallerInfo) -> Request:
    """A request that has not been counted yet."""
    return Request({"type": "http", "headers": [], "state": {}})


def limited_caller(rate: int) -> CallerInfo:
    ids = {"workspace_id": new_id(), "user_id": new_id(), "key_id": new_id()}
    return CallerInfo(**ids, mode="live", scopes=frozenset(), limits=KeyLimits(rate_limit=rate))


async def passes(gate: KeyGate, caller: CallerInfo) -> bool:
    try:
        await gate.admit(asking(caller), caller)
    except RateLimited:
        return False
    return True


@pytest.fixture
async def redis(settings: Settings):  # type: ignore[no-untyped-def]
    redis = queue.connect(settings)
    yield redis
    await redis.aclose(close_connection_pool=True)


async def test_when_redis_goes_nobody_begins_anew(
    settings: Settings, redis: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, caller = KeyGate(settings, redis), limited_caller(4)
    assert [await passes(gate, caller) for _ in range(3)] == [True] * 3

    async def gone(**_: object) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(gate, "_take", gone)
    assert [await passes(gate, caller) for _ in range(3)] == [True, False, False]


async def test_a_silent_redis_holds_requests_up_once(
    settings: Settings, redis: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, caller = KeyGate(settings, redis), limited_caller(100)
    monkeypatch.setattr(limits, "REDIS_SECONDS", 0.05)
    asked = 0

    async def silent(**_: object) -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    monkeypatch.setattr(gate, "_take", silent)
    assert all([await passes(gate, caller) for _ in range(5)])
    assert asked == 1


async def test_what_was_used_comes_back_evenly(settings: Settings, redis: ArqRedis) -> None:
    gate, caller = KeyGate(settings, redis), limited_caller(1200)  # one in 50 ms
    assert all([await passes(gate, caller) for _ in range(1200)])
    found = []
    loop = asyncio.get_running_loop()
    until = loop.time() + 1
    while loop.time() < until:
        found.append(await passes(gate, caller))
        await asyncio.sleep(0.001)
    assert 15 <= sum(found) <= 80


async def test_what_is_kept_of_a_key_goes_by_itself(settings: Settings, redis: ArqRedis) -> None:
    gate, caller = KeyGate(settings, redis), limited_caller(60)
    await passes(gate, caller)
    assert 0 < await redis.pttl(f"backlot:rate:{caller.key_id}") <= 1000


async def test_the_memory_of_a_process_is_bounded(
    settings: Settings, redis: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST", 10)
    gate = KeyGate(settings, redis)
    monkeypatch.setattr(limits, "WINDOW_SECONDS", 0)
    for _ in range(30):
        gate._remember(new_id(), 0.0)
    assert len(gate._whole_at) <= 11
