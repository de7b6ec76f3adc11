"""Clients that wait for the ends of tasks, two thousand at once: what they cost, and how soon they learn of it."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter, time
from typing import Literal, cast
from uuid import UUID

import asyncpg
import psutil
from arq.connections import ArqRedis

from app.core import open_files, queue
from app.core.ids import encode
from app.core.settings import Settings
from app.events.service import CHANNEL
from scripts.bench import load, orders
from scripts.bench.report import Report
from scripts.bench.stand import MEBIBYTE, Customer, Stand

CLIENTS = 2000
CUSTOMERS = 50
ENDS_AT_ONCE = 10
ENDS_A_SECOND = 200
LATEST_SECONDS = 30
RUNS = 3
LATE = 200
"""Milliseconds."""
GROWTH = 300
"""MiB."""

Way = Literal["wait", "stream"]
ASKS: dict[Way, tuple[str, tuple[bytes, ...]]] = {
    "wait": ("?wait=60", (b'"progress":1.0', b'"status":"failed"')),
    "stream": ("/events", (b"event: task.succeeded", b"event: task.failed")),
}
"""How a client asks, and by what it knows the end."""
END = """
with ended as (
    update tasks t set status = 'failed', completed_at = clock_timestamp(), fence = fence + 1,
        error = '{"code": "internal", "message": "for the bench", "retryable": true, "provider": null}'
    where id = any($1) returning *
)
insert into events (id, workspace_id, mode, type, task_id, data, created_at)
select new_id(), t.workspace_id, t.mode, 'task.failed', t.id, e.data || '{"status": "failed"}', now()
from ended t join events e on e.task_id = t.id and e.type = 'task.created'
"""


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds from the commit of an end to the client that has it; MiB of the API process."""

    p50: float
    p99: float
    last: float
    growth: float
    size: float


async def measure(stand: Stand, report: Report) -> None:
    report.head(f"{CLIENTS} clients waiting at once on one API process, from the commit of an end to who waits for it")
    open_files.allow_many()
    await stand.open_accounts(CUSTOMERS)
    for name, way in (("?wait", "wait"), ("stream", "stream")):
        for what, tasks, at_once, most in (
            (f"{ENDS_A_SECOND} tasks end a second", CLIENTS, ENDS_AT_ONCE, LATE),
            ("all wait for one task", 1, 1, LATE),
            (f"{CLIENTS} tasks end in one commit", CLIENTS, CLIENTS, None),
        ):
            runs = [await wait(stand, cast("Way", way), tasks=tasks, at_once=at_once) for _ in range(RUNS)]
            waits = sorted(runs, key=lambda one: one.p99)[RUNS // 2]
            report.at_most(f"{name}, {what}, p50", waits.p50, "ms")
            report.at_most(f"{name}, {what}, p99", waits.p99, "ms", most)
            report.at_most(f"{name}, {what}: growth of the process", waits.growth, "MiB", GROWTH)
    taken = await _until_a_worker_is_done(stand)
    report.at_most("stream, a worker at full speed: finish to notified, p50", statistics.median(taken), "ms")
    report.at_most("stream, a worker at full speed: finish to notified, p99", p99(taken), "ms", LATE)
    await stand.fresh()


async def wait(stand: Stand, way: Way, *, tasks: int, at_once: int) -> Waits:
    """All clients wait, evenly spread over so many tasks, which end so many in one commit."""
    await stand.fresh()
    ending = await stand.connect()
    redis = queue.connect(Settings(_env_file=None, redis={"url": stand.redis_url}))
    async with stand.api() as (port, process):
        waited = await _ordered(stand, port, tasks)
        await _warm_up(port, waited[0])
        before = process.memory_info().rss
        clients = await _connect(port, way, waited)
        await until_all_wait(process, clients)
        size = process.memory_info().rss
        await _end(ending, redis, [task_id for task_id, _ in waited], clients, at_once)
        after = max(size, process.memory_info().rss)
        taken = [1000 * (one.heard_at - one.ended_at) for ones in clients.values() for one in ones]
        for one in (one for ones in clients.values() for one in ones):
            one.close()
    await redis.aclose(close_connection_pool=True)
    await ending.close()
    growth, size = (after - before) / MEBIBYTE, after / MEBIBYTE
    return Waits(statistics.median(taken), p99(taken), max(taken), growth, size)


def p99(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]


async def _until_a_worker_is_done(stand: Stand) -> list[float]:
    """Each client follows a task of its own: milliseconds from its end, as it is recorded, to the client."""
    await stand.fresh()
    async with stand.api() as (port, process):
        waited = await _ordered(stand, port, CLIENTS)
        clients = await _connect(port, "stream", waited)
        await until_all_wait(process, clients)
        with stand.worker():
            await _all_heard(clients, 5 * LATEST_SECONDS)
    rows = await stand.run("select id, completed_at from tasks")
    now = time() - perf_counter()
    return [1000 * (one.heard_at + now - row["completed_at"].timestamp()) for row in rows for one in clients[row["id"]]]


async def _ordered(stand: Stand, port: int, tasks: int) -> list[tuple[UUID, Customer]]:
    """So many tasks, and whose they are."""
    await load.exactly(port, orders.requests(stand.customers[:CUSTOMERS]), max(tasks, CUSTOMERS), status=202)
    owners = {customer.workspace_id: customer for customer in stand.customers}
    rows = await stand.run("select id, workspace_id from tasks order by id limit $1", tasks)
    return [(row["id"], owners[row["workspace_id"]]) for row in rows]


async def _warm_up(port: int, waited: tuple[UUID, Customer]) -> None:
    task_id, whose = waited
    asked = load.request("GET", f"/v1/tasks/{encode('task', task_id)}?wait=0.1", f"X-API-Key: {whose.secret}")
    await load.exactly(port, lambda: asked, 64, status=200)


async def _connect(port: int, way: Way, waited: Sequence[tuple[UUID, Customer]]) -> dict[UUID, list["Client"]]:
    path, marks = ASKS[way]
    loop = asyncio.get_running_loop()
    clients: dict[UUID, list[Client]] = {task_id: [] for task_id, _ in waited}
    for number in range(CLIENTS):
        task_id, whose = waited[number % len(waited)]
        asked = load.request("GET", f"/v1/tasks/{encode('task', task_id)}{path}", f"X-API-Key: {whose.secret}")
        _, client = await loop.create_connection(lambda asked=asked: Client(asked, marks), "127.0.0.1", port)  # type: ignore[misc]
        clients[task_id].append(client)
    return clients


async def until_all_wait(process: psutil.Process, clients: dict[UUID, list["Client"]]) -> None:
    """The server has nothing more to do for them."""
    used = -1.0
    async with asyncio.timeout(LATEST_SECONDS):
        while (now := sum(process.cpu_times()[:2])) > used + 0.03:
            used = now
            await asyncio.sleep(0.5)
    lost = [one.got[:500] for ones in clients.values() for one in ones if one.is_over]
    if lost:
        raise RuntimeError(f"{len(lost)} do not wait: {lost[0]!r}")


async def _end(
    ending: asyncpg.Connection,
    redis: ArqRedis,
    task_ids: Sequence[UUID],
    clients: dict[UUID, list["Client"]],
    at_once: int,
) -> None:
    """The tasks fail, as a worker writes and tells it; return when all clients know."""
    for first in range(0, len(task_ids), at_once):
        began = perf_counter()
        ended = task_ids[first : first + at_once]
        await ending.execute(END, ended)
        now = perf_counter()
        for task_id in ended:
            for one in clients[task_id]:
                one.ended_at = now
        await redis.publish(CHANNEL, " ".join(map(str, ended)))
        await asyncio.sleep(max(0, began + at_once / ENDS_A_SECOND - perf_counter()))
    await _all_heard(clients, LATEST_SECONDS)


async def _all_heard(clients: dict[UUID, list["Client"]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        for ones in clients.values():
            for one in ones:
                await one.heard.wait()


class Client(asyncio.Protocol):
    """One connection that asks once, and notes when it reads of the end."""

    __slots__ = ("_asked", "_marks", "_transport", "ended_at", "got", "heard", "heard_at", "is_over")

    def __init__(self, asked: bytes, marks: Sequence[bytes]) -> None:
        self._asked = asked
        self._marks = marks
        self.got = b""
        self.ended_at = self.heard_at = 0.0
        self.heard = asyncio.Event()
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        self.got += data
        if not self.heard_at and any(mark in self.got for mark in self._marks):
            self.heard_at = perf_counter()
            self.heard.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.is_over = True

    def forget(self) -> None:
        """Wait for the next."""
        self.got, self.heard_at = b"", 0.0
        self.heard.clear()

    def close(self) -> None:
        self._transport.close()
