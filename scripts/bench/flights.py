"""Many long jobs at a provider at once, on one worker process: each costs a row."""

import asyncio
import statistics
import time

from scripts.bench import load, orders
from scripts.bench.report import Report
from scripts.bench.stand import Stand, cpu, memory

CUSTOMERS = 100
TASKS = 10_000
MODEL = "sandbox:slow-150"

_LOOK = """
    select count(*) filter (where status = 'pending') as waiting,
           count(*) filter (where status = 'processing') as flying,
           count(*) filter (where status = 'succeeded') as done,
           coalesce(percentile_cont(0.99) within group (order by late) filter (where status = 'processing'), 0) as late
    from (select status, extract(epoch from clock_timestamp() - wake_at)::float8 as late from tasks) looked_at
"""


async def measure(stand: Stand, report: Report) -> None:
    """Ordered at once, begun as fast as it goes, polled at growing intervals until each is done."""
    report.head(f"{TASKS:,} tasks in flight at the sandbox, each for 150 s; one worker process, no callbacks")
    await stand.open_accounts(CUSTOMERS)
    async with stand.api() as (port, _):
        following = orders.requests(stand.customers, model=MODEL)
        await load.exactly(port, following, TASKS, status=202)
    await stand.settle()
    looks = []
    with stand.worker() as worker:
        began = time.monotonic()
        while True:
            [look] = await stand.run(_LOOK)
            looks.append(look)
            if look["done"] == TASKS or time.monotonic() - began > 600:
                break
            await asyncio.sleep(1)
        spent, used, size = time.monotonic() - began, cpu(worker), memory(worker)
    late = sorted(max(0.0, look["late"]) for look in looks)
    report.at_least("most in flight at once", max(look["flying"] for look in looks), "tasks", 0.99 * TASKS)
    report.at_least("succeeded", looks[-1]["done"], "tasks", TASKS)
    report.at_most("latest 1 % of the polls, median over time", statistics.median(late), "s", 10)
    report.at_most("latest 1 % of the polls, at the worst second", late[-1], "s")
    report.at_most("memory of the worker and its children", size, "MiB")
    report.at_most("share of one core it took", 100 * used / spent, "%")
