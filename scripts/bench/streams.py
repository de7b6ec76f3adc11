"""Clients that follow whole workspaces, thousands on one process: what they cost, and how soon they know."""

import asyncio
import statistics
from collections.abc import Sequence
from time import perf_counter
from uuid import UUID

import asyncpg
from arq.connections import ArqRedis

from app.core import open_files, queue
from app.core.settings import Settings
from app.events.service import CHANNEL, NEWS
from scripts.bench import load, orders
from scripts.bench.report import Report
from scripts.bench.stand import MEBIBYTE, Customer, Stand
from scripts.bench.waiting import Client, until_all_wait

CLIENTS = 5000
CUSTOMERS = 50
EVENTS = 5
MARK = b"event: task.progress"
SECONDS = 1000
"""Milliseconds within which all have an event."""
MOST = 238
"""MiB of the process: 250 MB."""
TELL = """
    insert into events (id, workspace_id, mode, type, task_id, data, created_at)
    select new_id(), e.workspace_id, e.mode, 'task.progress', e.task_id, e.data, now()
    from events e where e.type = 'task.created' and e.workspace_id = any ($1)
"""


async def measure(stand: Stand, report: Report) -> None:
    report.head(
        f"{CLIENTS} clients follow workspaces on one API process, from the commit of an event to the last of them"
    )
    open_files.allow_many()
    await stand.open_accounts(CUSTOMERS)
    for what, customers in (("all of one workspace", 1), (f"of {CUSTOMERS} workspaces", CUSTOMERS)):
        first, last, size = await follow(stand, stand.customers[:customers])
        report.at_most(f"{what}: half of them have it", first, "ms")
        report.at_most(f"{what}: all have it", last, "ms", SECONDS)
        report.at_most(f"{what}: the process", size, "MiB", MOST)


async def follow(stand: Stand, customers: Sequence[Customer]) -> tuple[float, float, float]:
    """Milliseconds until half of the clients, and all, have an event that each workspace gets; MiB of the process."""
    await stand.fresh()
    telling = await stand.connect()
    redis = queue.connect(Settings(_env_file=None, redis={"url": stand.redis_url}))
    taken: list[tuple[float, float]] = []
    async with stand.api() as (port, process):
        await load.exactly(port, orders.requests(customers), len(customers), status=202)
        with stand.worker():
            await stand.until_done()
            clients = await _connect(port, customers)
            await until_all_wait(process, clients)
            for _ in range(EVENTS):
                taken.append(await _tell(telling, redis, clients))
            size = process.memory_info().rss / MEBIBYTE
        for one in (one for ones in clients.values() for one in ones):
            one.close()
    await redis.aclose(close_connection_pool=True)
    await telling.close()
    return statistics.median(one[0] for one in taken), max(one[1] for one in taken), size


async def _connect(port: int, customers: Sequence[Customer]) -> dict[UUID, list[Client]]:
    loop = asyncio.get_running_loop()
    clients: dict[UUID, list[Client]] = {customer.workspace_id: [] for customer in customers}
    for number in range(CLIENTS):
        whose = customers[number % len(customers)]
        asked = load.request("GET", "/v1/events/stream?type=task.progress", f"X-API-Key: {whose.secret}")
        _, client = await loop.create_connection(lambda asked=asked: Client(asked, (MARK,)), "127.0.0.1", port)  # type: ignore[misc]
        clients[whose.workspace_id].append(client)
    return clients


async def _tell(telling: asyncpg.Connection, redis: ArqRedis, clients: dict[UUID, list[Client]]) -> tuple[float, float]:
    """An event for each workspace; milliseconds until half of the clients, and all, have it."""
    everyone = [one for ones in clients.values() for one in ones]
    for one in everyone:
        one.forget()
    await telling.execute(TELL, list(clients))
    began = perf_counter()
    await redis.publish(CHANNEL, NEWS)
    async with asyncio.timeout(60):
        for one in everyone:
            await one.heard.wait()
    heard = [1000 * (one.heard_at - began) for one in everyone]
    return statistics.median(heard), max(heard)
