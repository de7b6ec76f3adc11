"""Batches ordered over HTTP, and what is read of them."""

import asyncio
import json
from typing import Any

import httpx

from app.core.db import Database
from app.ledger.verify import verify
from tests.conftest import Account

Json = dict[str, Any]


def prompts(*words: str, **fields: Any) -> Json:
    """A batch for the sandbox: one item for each prompt."""
    items = [{"filename": f"{index}.png", "input": {"prompt": word}} for index, word in enumerate(words)]
    return {"operation": "text_to_image", "items": items, **fields}


async def order(caller: httpx.AsyncClient, body: Json, **headers: str) -> Json:
    answer = await caller.post("/v1/batches", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    batch: Json = answer.json()
    assert answer.headers["location"] == f"/v1/batches/{batch['id']}"
    return batch


async def ended(caller: httpx.AsyncClient, batch_id: str, seconds: float = 60) -> Json:
    async with asyncio.timeout(seconds + 5):
        while True:
            answer = await caller.get(f"/v1/batches/{batch_id}", params={"wait": 20})
            batch: Json = answer.json()
            if batch["status"] in ("completed", "canceled"):
                return batch


async def events(caller: httpx.AsyncClient, batch_id: str, **headers: str) -> list[Json]:
    """The events of a batch's stream, to its end."""
    found: list[Json] = []
    async with caller.stream("GET", f"/v1/batches/{batch_id}/events", headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        current: Json = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event"):
                current[name] = value
            elif name == "data":
                current["data"] = json.loads(value)
            elif not line and "event" in current:
                found.append(current)
                current = {}
    return found


def statuses(batch: Json) -> list[str]:
    return [item["status"] for item in batch["items"]]


def counts(batch: Json) -> tuple[int, ...]:
    """Total, pending, processing, succeeded, failed, canceled."""
    return tuple(value for name, value in batch["summary"].items() if name != "credits")


async def nothing_was_made(account: Account, database: Database) -> None:
    row = await database.fetchrow(
        """
        select (select count(*) from batches where workspace_id = $1) as batches,
               (select count(*) from tasks where workspace_id = $1) as tasks,
               (select count(*) from credit_holds where workspace_id = $1) as holds,
               (select count(*) from idempotency_keys where workspace_id = $1) as keys
        """,
        account.workspace_id,
    )
    assert row is not None
    assert tuple(row) == (0, 0, 0, 0)


async def books_are_right(database: Database) -> None:
    """The money, and the counts of all batches; each that has ended was told once."""
    async with database.transaction() as session:
        assert await verify(session) == []
