"""The stream of a workspace: from now on, or where it ended, without gaps and repeats."""

import asyncio
import socket
from contextlib import aclosing
from typing import Any

import pytest
from fastapi import FastAPI

from app.core import streams
from app.core.settings import Settings
from app.events import following
from tests.conftest import Account, client
from tests.feed.conftest import Message, Reader, Teller, stream
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)
KEYS = {"type": "api_key.*"}
NOBODYS = "evt_01jcqzn5tbf7w8ad3e0k6m2r9h"


def names(messages: list[Message]) -> list[str]:
    return [message.data["data"]["name"] for message in messages]


async def begun(reader: Reader) -> str:
    """Where it begins."""
    async with aclosing(reader.messages()) as messages:
        message = await anext(messages)
    assert message.id
    assert message.event is None
    return message.id


async def test_what_happens_from_now_on_is_told_at_once(teller: Teller, account: Account) -> None:
    await teller.tell(name="before")
    async with stream(account.person, **KEYS) as reader:
        lines = reader.messages()
        assert (await anext(lines)).event is None
        await teller.tell(name="after")
        message = await anext(lines)
    event = (await account.person.get(f"/v1/events/{message.id}")).json()
    assert (message.event, message.data) == ("api_key.created", event)
    assert message.data["data"]["name"] == "after"


async def test_it_goes_on_after_the_last_event_that_was_seen(teller: Teller, account: Account) -> None:
    async with stream(account.person, **KEYS) as reader:
        messages = reader.messages()
        await anext(messages)
        for name in "abc":
            await teller.tell(name=name)
        seen = [await anext(messages), await anext(messages)]
    await teller.tell(name="d")
    async with stream(account.person, last=seen[-1].id, **KEYS) as reader:
        rest = await reader.next(2)
    assert names(seen + rest) == list("abcd")
    async with stream(account.person, last_event_id=seen[0].id, **KEYS) as reader:
        assert names(await reader.next(3)) == list("bcd")


async def test_a_stream_that_breaks_before_its_first_event_misses_nothing(teller: Teller, account: Account) -> None:
    async with stream(account.person, **KEYS) as reader:
        begins = await begun(reader)
    await teller.tell(name="meanwhile")
    async with stream(account.person, last=begins, **KEYS) as reader:
        assert names(await reader.next(1)) == ["meanwhile"]


async def test_so_does_one_of_a_workspace_where_nothing_ever_happened(teller: Teller, neighbour: Account) -> None:
    async with stream(neighbour.test) as reader:
        begins = await begun(reader)
    assert begins == "evt_" + "0" * 26
    async with stream(neighbour.test, last=begins) as reader:
        assert reader.answer.status_code == 200


async def test_an_id_nobody_knows_is_told_and_the_stream_goes_on_from_now(teller: Teller, account: Account) -> None:
    await teller.tell(name="before")
    for last in (NOBODYS, "nonsense"):
        async with stream(account.person, last=last, **KEYS) as reader:
            messages = reader.messages()
            reset = await anext(messages)
            assert (reset.event, reset.data["reason"]) == ("reset", "unknown_event")
            assert reset.id
            await teller.tell(name="after")
            assert (await anext(messages)).data["data"]["name"] == "after"


async def test_long_backlogs_come_whole(teller: Teller, account: Account) -> None:
    async with stream(account.person, **KEYS) as reader:
        begins = await begun(reader)
    await teller.tell(250, name="a")
    async with stream(account.person, last=begins, **KEYS) as reader:
        messages = await reader.next(250)
    assert len({message.id for message in messages}) == 250


async def test_only_the_types_asked_for_and_allowed(teller: Teller, account: Account, settings: Settings) -> None:
    made = (await account.live.post("/v1/api-keys", json={"name": "shop"})).json()
    async with client(settings, made["secret"]) as shop, stream(shop) as reader:
        messages = reader.messages()
        await anext(messages)
        await teller.tell(name="not for this key")
        await teller.tell(type_="credits.low")
        assert (await anext(messages)).event == "credits.low"
    answer = await account.live.get("/v1/events/stream", params={"type": "nothing.*"})
    assert answer.json()["errors"][0]["code"] == "unknown_event_type"


async def test_it_pings_and_ends_with_the_key(
    teller: Teller, account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PING_SECONDS", 0.2)
    made = (await account.live.post("/v1/api-keys", json={"name": "shop"})).json()
    async with client(settings, made["secret"]) as shop, stream(shop) as reader:
        reading = asyncio.create_task(reader.next(1))
        await eventually(lambda: _holds(len(reader.comments) > 1))
        await account.live.delete(f"/v1/api-keys/{made['id']}")
        assert await asyncio.wait_for(reading, 5) == []


async def _holds(value: bool) -> bool:
    return value


async def test_many_follow_with_few_statements(teller: Teller, account: Account, server: FastAPI) -> None:
    desk = server.state.feed if hasattr(server.state, "feed") else None
    assert desk is not None
    async with asyncio.TaskGroup() as group:
        following_ = [group.create_task(_one(account)) for _ in range(30)]
        await eventually(lambda: _holds(sum(map(len, desk.bells._bells.values())) >= 30))
        await asyncio.sleep(0.2)
        await teller.tell(name="for all")
    assert {task.result() for task in following_} == {"for all"}


async def _one(account: Account) -> Any:
    async with stream(account.person, **KEYS) as reader:
        return names(await reader.next(1))[0]


async def test_a_ticket_opens_streams_and_nothing_else(teller: Teller, account: Account, settings: Settings) -> None:
    ticket = (await account.person.post("/v1/events/stream/tickets")).json()["ticket"]
    async with client(settings) as browser:
        async with stream(browser, ticket=ticket, **KEYS) as reader:
            messages = reader.messages()
            await anext(messages)
            await teller.tell(name="seen")
            assert (await anext(messages)).data["data"]["name"] == "seen"
        task = await _task(account)
        async with stream(browser, f"/v1/tasks/{task}/events", ticket=ticket) as reader:
            assert (await reader.next(1))[0].event == "task.created"
        assert (await browser.get("/v1/tasks", params={"ticket": ticket})).status_code == 401
        assert (await browser.get("/v1/events", params={"ticket": ticket})).status_code == 401
        for wrong in (ticket[:-1] + "x", "bkt_", ""):
            answer = await browser.get("/v1/events/stream", params={"ticket": wrong})
            assert answer.status_code == 401


async def _task(account: Account) -> str:
    body = {"operation": "upscale", "input": {"image": await account.upload(), "scale": 2}}
    return str((await account.live.post("/v1/tasks", json=body)).json()["id"])


async def test_a_ticket_is_of_no_use_without_redis_nor_redis_without_it(
    account: Account, settings: Settings, server: FastAPI
) -> None:
    ticket = (await account.live.post("/v1/events/stream/tickets")).json()["ticket"]
    redis = server.state.database.redis
    held = {key: await redis.get(key) for key in await redis.keys("backlot:ticket:*")}
    said = str(held)
    assert ticket not in said
    assert account.key not in said
    for key in held:
        assert 0 < await redis.ttl(key) <= settings.events.ticket_seconds
        await redis.delete(key)
    async with client(settings) as browser:
        answer = await browser.get("/v1/events/stream", params={"ticket": ticket})
        assert answer.json()["code"] == "invalid_ticket"


async def test_a_client_that_does_not_read_is_cut_off(
    teller: Teller, account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch, server: FastAPI
) -> None:
    monkeypatch.setattr(streams, "SLOW_SECONDS", 0.5)
    async with stream(account.person, **KEYS) as reader:
        begins = await begun(reader)
    for _ in range(20):
        await teller.tell(50, name="x" * 20_000)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", settings.api.port))
        authorization = account.person.headers["authorization"]
        head = f"GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nLast-Event-ID: {begins}"
        slow.sendall(f"{head}\r\n\r\n".encode())
        bells = server.state.feed.bells._bells
        await eventually(lambda: _holds(bool(bells)))
        await eventually(lambda: _holds(not bells), seconds=15)
        slow.settimeout(5)
        received = 0
        while chunk := slow.recv(65536):
            received += len(chunk)
        assert received < 10_000_000  # of twenty
