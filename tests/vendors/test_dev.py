"""`backlot dev` as an operator starts it, several vendors in its settings: orders, faults, an outage, a cancel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.embedded.dev import Dev, backlot, dev
from tests.vendors.faults import DOWN, HTML
from tests.vendors.peer import Peer
from tests.vendors.roster import VENDORS, environment
from tests.vendors.studio import is_in

pytestmark = pytest.mark.db
NAMES = ("replicate", "fal", "openai", "runware", "leonardo", "gemini", "stability", "together")
PROMPT = {"prompt": "a red bicycle", "width": 512, "height": 512}
FEW = 3
"""Calls that open the breaker of a model."""


@dataclass
class Place:
    stack: Dev
    peers: dict[str, Peer]
    client: httpx.AsyncClient
    told: list[str]

    async def order(self, **fields: Any) -> str:
        body = {"operation": "text_to_image", "input": PROMPT, **fields}
        answer = await self.client.post("/v1/tasks", json=body)
        self.told.append(answer.text)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def end_of(self, task_id: str) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/tasks/{task_id}", params={"wait": 40})
        self.told.append(answer.text)
        task: dict[str, Any] = answer.json()
        return task

    async def do(self, **fields: Any) -> dict[str, Any]:
        return await self.end_of(await self.order(**fields))

    async def rows(self) -> str:
        connection = await asyncpg.connect(self.stack.ready["database_url"])
        tables = await connection.fetch(
            "select table_name t from information_schema.tables where table_schema='public'"
        )
        found = [await connection.fetch(f'select t::text from "{table["t"]}" t') for table in tables]
        await connection.close()
        return "\n".join(row[0] for rows in found for row in rows)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    peers = {name: VENDORS[name](seconds=0.2) for name in NAMES}
    for peer in peers.values():
        await peer.start()
    env = environment(peers.values()) | {"BACKLOT_LOG_LEVEL": "debug", "BACKLOT_LEDGER_SIGNUP_CREDITS": "100"}
    with ExitStack() as stack:
        started = await asyncio.to_thread(stack.enter_context, dev(tmp_path / "data", env=env))
        headers = {"X-API-Key": started.ready["api_key"]}
        async with httpx.AsyncClient(base_url=started.ready["url"], headers=headers, timeout=50) as client:
            yield Place(started, peers, client, [])
    for peer in peers.values():
        assert peer.complaints == []
        await peer.stop()


async def test_a_day_in_the_life_of_an_operator(place: Place, tmp_path: Path) -> None:
    peers = place.peers
    # A vendor of each kind has a bad moment, and two have taken a key away.
    peers["replicate"].fail("poll", HTML, times=1)
    peers["fal"].dead_links = 1
    peers["stability"].fail("order", DOWN, times=1)
    for name in ("openai", "gemini"):
        peers[name].refused.add(peers[name].keys[1])
    tasks = await asyncio.gather(*(place.do(provider=name) for name in NAMES))
    assert {task["provider"]: task["status"] for task in tasks} == dict.fromkeys(NAMES, "succeeded")
    assert {name: len(peer.orders) for name, peer in peers.items()} == dict.fromkeys(NAMES, 1)

    # One is down; what it would have done is done by others, and it is left alone.
    peers["replicate"].mend()
    peers["replicate"].fail("order", DOWN)
    tasks = await asyncio.gather(*(place.do(model="flux-schnell") for _ in range(20)))
    assert {(task["status"], task["credits"]["charged"]) for task in tasks} == {("succeeded", 1)}
    assert "replicate" not in {task["provider"] for task in tasks}
    found_out = peers["replicate"].asked["order"]
    assert FEW <= found_out <= FEW + 20, "those that were under way together"
    tasks = [await place.do(model="flux-schnell") for _ in range(3)]
    assert {task["status"] for task in tasks} == {"succeeded"}
    assert peers["replicate"].asked["order"] <= found_out + 1
    sellers = ("fal", "runware", "leonardo", "together")
    assert (len(peers["replicate"].orders), sum(len(peers[name].orders) for name in sellers)) == (0, 4 + 23)

    # A job that is canceled is stopped at the vendor.
    peers["fal"].seconds = 60
    task_id = await place.order(provider="fal")
    while len([order for order in peers["fal"].orders if not order.is_done]) < 1:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    canceled = await place.client.post(f"/v1/tasks/{task_id}/cancel")
    assert (canceled.json()["status"], canceled.json()["credits"]["charged"]) == ("canceled", 0)
    for _ in range(100):
        if peers["fal"].orders[-1].is_canceled:
            break
        await asyncio.sleep(0.05)
    assert peers["fal"].orders[-1].is_canceled

    spent = (await place.client.get("/v1/credits")).json()
    assert (spent["total_spent"], spent["held"]) == (8 + 23, 0)
    env = {"BACKLOT_DATABASE_URL": place.stack.ready["database_url"]}
    verified = await asyncio.to_thread(backlot, "ledger", "verify", cwd=tmp_path, env=env)
    assert verified.returncode == 0, verified.stdout + verified.stderr

    # Its logs are those of debugging, of all processes.
    logs = place.stack.log
    assert "vendor_refused" in logs
    keys = [key for peer in peers.values() for key in peer.keys]
    seen = {"logs": logs, "answers": "\n".join(place.told), "rows": await place.rows()}
    assert [(name, key) for name, content in seen.items() for key in keys if is_in(key, content)] == []
