"""Orders: as clients send them, and as `submit_tasks` takes them, for those who call it without the product around."""

import json
from itertools import count, cycle
from typing import Any

import orjson

from app.accounts.models import ApiKey
from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.core import queue
from app.core.db import Database
from app.core.idempotency import Claim
from app.core.settings import Settings
from app.generation import queries
from app.generation.intake import Intake
from app.generation.schemas import TaskCreate
from app.providers.catalog import Catalog
from scripts.bench.load import Next, request
from scripts.bench.stand import Customer, Stand

BODY = {"operation": "text_to_image", "input": {"prompt": "a red bicycle on a beach"}, "metadata": {"sku": "A-17"}}
_numbers = count()


def requests(customers: list[Customer], path: str = "/v1/tasks", **changed: Any) -> Next:
    """Orders by one customer after another, each with an Idempotency-Key of its own."""
    body, turns = json.dumps(BODY | changed).encode(), cycle(enumerate(customers))

    def following() -> bytes:
        number, customer = next(turns)
        headers = (f"X-API-Key: {customer.secret}", f"X-Customer: {number}", f"Idempotency-Key: n{next(_numbers)}")
        return request("POST", path, *headers, body=body)

    return following


class _Listening(Database):
    heard: str = ""

    async def fetch(self, statement: str, *args: Any) -> list[Any]:
        if statement is queries.SUBMIT:
            self.heard = args[0]
        return await super().fetch(statement, *args)


async def template(stand: Stand) -> dict[str, Any]:
    """An order as the product hands it to `submit_tasks`: one was placed, to be listened to."""
    settings = Settings(
        _env_file=None,
        database={"url": stand.database_url},
        redis={"url": stand.redis_url},
        data=stand.folder / "files",
        ledger={"test_credits": 1_000_000_000},
    )
    redis = queue.connect(settings)
    database, tools = _Listening(settings, redis), await AssetTools.open(settings)
    catalog = Catalog.load(settings)
    async with database.transaction() as session:
        key = await session.get_one(ApiKey, stand.customers[0].key_id)
        caller = CallerInfo(
            user_id=key.user_id, workspace_id=key.workspace_id, key_id=key.id, mode="test", scopes=frozenset(key.scopes)
        )
    order = TaskCreate.model_validate(BODY)
    await Intake(settings, database, catalog, tools).order(caller, order, Claim(f"n{next(_numbers)}", b"template"))
    heard: dict[str, Any] = orjson.loads(database.heard)[0]
    for resource in (catalog, tools, database):
        await resource.close()
    await redis.aclose(close_connection_pool=True)
    return heard


PGBENCH = """
\\set n random(0, {last})
select s.outcome from bench_orders b, submit_tasks(jsonb_build_array(b.entry || jsonb_build_object(
    'id', new_id(), 'hold_id', gen_random_uuid(), 'event_id', new_id(),
    'key', gen_random_uuid()))) s where b.n = :n;
"""


async def keep_for_pgbench(stand: Stand, entry: dict[str, Any]) -> None:
    """A table with an order of each customer."""
    connection = await stand.connect()
    await connection.execute("create table if not exists bench_orders (n int primary key, entry jsonb)")
    await connection.execute("truncate bench_orders")
    ours = [
        (n, json.dumps(entry | {"workspace_id": str(one.workspace_id), "key_id": str(one.key_id)}))
        for n, one in enumerate(stand.customers)
    ]
    await connection.executemany("insert into bench_orders values ($1, $2)", ours)
    await connection.close()
