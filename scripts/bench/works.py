"""What one worker process gets done, and how soon it begins."""

import asyncio
import statistics
from dataclasses import dataclass
from datetime import datetime

from scripts.bench import load, orders
from scripts.bench.report import Report
from scripts.bench.stand import Stand, cpu, memory

CUSTOMERS = 100
TASKS = 3000
WARM_UP = 100
SECONDS = 10.0
CROWD = 5000
STEADY_SECONDS = 5


async def measure(stand: Stand, report: Report) -> None:
    """A full queue worked off, then the time to start at half that load."""
    report.head("One worker process, sandbox tasks end to end: outputs stored, ledger, events")
    await stand.open_accounts(CUSTOMERS)
    runs = []
    for _ in range(3):
        await stand.fresh()
        runs.append(await do(stand, TASKS))
    run = sorted(runs)[1]
    report.at_least("tasks finished, all queued before", run.rate, "/s", 150)
    report.at_most("CPU of the worker and its children for one task", run.cpu_ms, "ms")
    report.at_most("memory of the worker and its children", run.memory, "MiB")
    await _latency(stand, report, run.rate / 2)
    await _fairness(stand, report)


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Tasks a second from the first start to the last end; CPU for each of them; MiB at the end."""

    rate: float
    cpu_ms: float
    memory: float


async def do(stand: Stand, count: int, customers: int = CUSTOMERS) -> Run:
    """Order so many tasks, one customer's after another's; then let a worker do them."""
    async with stand.api() as (port, _):
        await load.exactly(port, orders.requests(stand.customers[:customers]), count, status=202)
    await stand.settle()
    [before] = await stand.run("select clock_timestamp() as now")
    with stand.worker() as worker:
        await stand.until_done()
        used, size = cpu(worker), memory(worker)
    [row] = await stand.run(
        "select count(*) filter (where status = 'succeeded') as done, min(started_at) as first, "
        "max(completed_at) as last from tasks where started_at > $1",
        before["now"],
    )
    assert row["done"] == count, row
    return Run(count / _seconds(row["first"], row["last"]), 1000 * used / count, size)


async def _latency(stand: Stand, report: Report, rate: float) -> None:
    await stand.fresh()
    following = orders.requests(stand.customers[:CUSTOMERS])
    async with stand.api() as (port, _):
        with stand.worker():
            await load.exactly(port, following, WARM_UP, status=202)
            await stand.until_done()
            await load.paced(port, following, rate, SECONDS, status=202)
            await stand.until_done()
    rows = await stand.run(
        "select created_at, started_at, completed_at from tasks order by created_at offset $1", WARM_UP
    )
    starts = [1000 * _seconds(row["created_at"], row["started_at"]) for row in rows]
    ends = [1000 * _seconds(row["created_at"], row["completed_at"]) for row in rows]
    report.at_least("load for what follows", len(rows) / SECONDS, "/s")
    report.at_most("submit to start at half load, p50", statistics.median(starts), "ms", 30)
    report.at_most("submit to start at half load, p99", statistics.quantiles(starts, n=100)[98], "ms", 150)
    report.at_most("submit to end at half load, p50", statistics.median(ends), "ms")


async def _fairness(stand: Stand, report: Report) -> None:
    """One customer queues thousands; others come with one task each while these are worked off."""
    await stand.fresh()
    crowd, single = orders.requests(stand.customers[:1]), orders.requests(stand.customers[1:])
    async with stand.api() as (port, _):
        await load.exactly(port, crowd, CROWD, status=202)
        with stand.worker():
            await asyncio.sleep(STEADY_SECONDS)
            await load.paced(port, single, 2, STEADY_SECONDS, status=202)
            [left] = await stand.run("select count(*) as waiting from tasks where status = 'pending'")
            await stand.until_done()
    rows = await stand.run(
        "select workspace_id = $1 as is_crowd, extract(epoch from started_at - created_at)::float8 as waited, "
        "extract(epoch from completed_at - started_at)::float8 as took from tasks",
        stand.customers[0].workspace_id,
    )
    assert left["waiting"] > 0, "the crowd was gone before the others came"
    took = statistics.median(1000 * row["took"] for row in rows if row["is_crowd"])
    waits = [1000 * row["waited"] for row in rows if not row["is_crowd"]]
    report.head(f"Another workspace's single task, while one has {CROWD:,} queued")
    report.at_most("limit: the time of one task, p50", took, "ms")
    report.at_most("wait of the single task, p50", statistics.median(waits), "ms", took)
    report.at_most("wait of the single task, longest", max(waits), "ms")


def _seconds(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds()
