"""Webhooks at a steady pace, beside servers that hang, fail, drip and lead astray: how soon the others are told."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter
from typing import cast
from uuid import UUID

import psutil

from app.core import open_files, queue
from app.core.ids import decode, new_id
from app.core.settings import Settings
from app.events.service import CHANNEL, NEWS
from scripts.bench import load, orders
from scripts.bench.report import Report
from scripts.bench.stand import MEBIBYTE, Customer, Stand, cpu

HOST = "127.0.0.2"
CUSTOMERS = 50
WITH_BAD_ONES = 10
"""So many of them have one of each bad kind besides the good endpoint that all have."""
EVENTS_A_SECOND = 200
AT_ONCE = 5
SECONDS = 30
LATEST_SECONDS = 30
MOST = 1000
"""Milliseconds."""
OPEN = """
    insert into webhook_endpoints (id, workspace_id, mode, url, created_at, updated_at, event_types)
    values (new_id(), $1, 'test', $2, now(), now(), array['task.succeeded'])
"""
TELL = """
    insert into events (id, workspace_id, mode, type, task_id, data, created_at)
    select x.id, x.workspace_id, t.mode, 'task.succeeded', t.task_id, t.data, now()
    from unnest($1::uuid[], $2::uuid[]) as x (id, workspace_id) cross join lateral (
        select * from events e where e.workspace_id = x.workspace_id and e.type = 'task.created' limit 1) t
"""
GOOD = b"HTTP/1.1 204 No Content\r\n\r\n"
HEARD: dict[UUID, float] = {}


class _Server(asyncio.Protocol):
    """Reads requests and answers each as its kind does."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.read = b""
        self.timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        self.read += data
        while (end := self.read.find(b"\r\n\r\n")) >= 0:
            head = self.read[:end].lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(self.read) < end + 4 + length:
                return
            self.read = self.read[end + 4 + length :]
            self.asked(head)

    def asked(self, head: bytes) -> None:
        if self.answer:
            self.transport.write(self.answer)

    def connection_lost(self, _: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Good(_Server):
    answer = GOOD

    def asked(self, head: bytes) -> None:
        event_id = decode("evt", head.partition(b"webhook-id: ")[2].partition(b"\r\n")[0].decode())
        HEARD.setdefault(event_id, perf_counter())
        super().asked(head)


class Hangs(_Server):
    pass


class Fails(_Server):
    answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"


class LeadsAstray(_Server):
    answer = b"HTTP/1.1 302 There\r\nlocation: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n"


class Drips(_Server):
    def asked(self, head: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
        self.drip()

    def drip(self) -> None:
        self.transport.write(b"a")
        self.timer = asyncio.get_running_loop().call_later(0.1, self.drip)


BAD: tuple[type[_Server], ...] = (Hangs, Fails, LeadsAstray, Drips)


async def measure(stand: Stand, report: Report) -> None:
    report.head(
        f"{EVENTS_A_SECOND} events a second to {CUSTOMERS} good endpoints, beside {WITH_BAD_ONES * len(BAD)} bad ones;"
        " from the commit of an event to its first attempt"
    )
    open_files.allow_many()
    await stand.open_accounts(CUSTOMERS)
    for what, is_beside_bad_ones in (("good ones alone", False), ("beside the bad ones", True)):
        await stand.fresh()
        taken, used, size = await _deliver(stand, is_beside_bad_ones=is_beside_bad_ones)
        (failed,) = await stand.run("select count(*) from webhook_attempts where error is not null")
        report.at_most(f"{what}, p50", statistics.median(taken), "ms")
        report.at_most(f"{what}, p99", statistics.quantiles(taken, n=100)[98], "ms", MOST)
        report.at_most(f"{what}, the last", max(taken), "ms")
        if is_beside_bad_ones:
            report.at_least(f"{what}: attempts that failed meanwhile", failed["count"], "", WITH_BAD_ONES * len(BAD))
        report.at_most(f"{what}: CPU of the worker", used, "%")
        report.at_most(f"{what}: the worker", size, "MiB")


async def _deliver(stand: Stand, *, is_beside_bad_ones: bool) -> tuple[list[float], float, float]:
    """Milliseconds of each event; per cent of a CPU, and MiB, of the worker."""
    HEARD.clear()
    async with stand.api() as (port, _), _receivers() as ports:
        await load.exactly(port, orders.requests(stand.customers[:CUSTOMERS]), CUSTOMERS, status=202)
        for number, customer in enumerate(stand.customers[:CUSTOMERS]):
            kinds = (Good, *BAD) if is_beside_bad_ones and number < WITH_BAD_ONES else (Good,)
            for kind in kinds:
                await stand.run(OPEN, customer.workspace_id, f"http://{HOST}:{ports[kind]}/{number}")
        with stand.worker("maintenance", BACKLOT_EGRESS_ALLOW=f"{HOST}/32") as worker:
            await _until_idle(worker)
            before, began = cpu(worker), perf_counter()
            committed = await _tell(stand)
            used = 100 * (cpu(worker) - before) / (perf_counter() - began)
            async with asyncio.timeout(LATEST_SECONDS):
                while committed.keys() - HEARD.keys():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            size = worker.memory_info().rss / MEBIBYTE
    return [1000 * (HEARD[event_id] - at) for event_id, at in committed.items()], used, size


async def _tell(stand: Stand) -> dict[UUID, float]:
    """When each event was committed."""
    committed: dict[UUID, float] = {}
    redis = queue.connect(Settings(_env_file=None, redis={"url": stand.redis_url}))
    connection = await stand.connect()
    customers: list[Customer] = stand.customers[:CUSTOMERS]
    began = perf_counter()
    for number in range(SECONDS * EVENTS_A_SECOND // AT_ONCE):
        ids = [new_id() for _ in range(AT_ONCE)]
        whose = [customers[(number * AT_ONCE + place) % CUSTOMERS].workspace_id for place in range(AT_ONCE)]
        await connection.execute(TELL, ids, whose)
        now = perf_counter()
        committed |= dict.fromkeys(ids, now)
        await redis.publish(CHANNEL, NEWS)
        await asyncio.sleep(max(0, began + (number + 1) * AT_ONCE / EVENTS_A_SECOND - perf_counter()))
    await connection.close()
    await redis.aclose(close_connection_pool=True)
    return committed


async def _until_idle(worker: psutil.Process) -> None:
    """It has started, and delivered what there was."""
    used = -1.0
    while (now := cpu(worker)) > used + 0.05:
        used = now
        await asyncio.sleep(2)


@asynccontextmanager
async def _receivers() -> AsyncIterator[dict[type[_Server], int]]:
    """One server of each kind: its port."""
    loop = asyncio.get_running_loop()
    servers = {kind: await loop.create_server(_made(kind), HOST, 0) for kind in (Good, *BAD)}
    yield {kind: server.sockets[0].getsockname()[1] for kind, server in servers.items()}
    for server in servers.values():
        server.close()


def _made(kind: type[_Server]) -> Callable[[], _Server]:
    return partial(kind)
