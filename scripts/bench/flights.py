"""Many long jobs at a provider at once, on one worker process: each costs a row."""

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle

from scripts.bench import load, orders
from scripts.bench.report import Report
from scripts.bench.stand import Stand, cpu, memory

CUSTOMERS = 100
TASKS = 10_000
FROM_SECONDS, TO_SECONDS = 90, 270

# How late each poll is: when a task begun before is claimed, by when it was due. It costs the database a little.
_WITNESS = (
    "create unlogged table bench_polls (late float8)",
    """
    create function witness_poll() returns trigger language plpgsql as $$
    begin
        insert into bench_polls values (extract(epoch from clock_timestamp() - old.wake_at));
        return null;
    end $$
    """,
    """
    create trigger witness_poll after update of fence on tasks for each row
    when (old.status = 'processing' and new.fence > old.fence and old.wake_at <= clock_timestamp())
    execute function witness_poll()
    """,
)
_FORGET = ("drop trigger witness_poll on tasks", "drop function witness_poll()", "drop table bench_polls")
_LOOK = """
    select count(*) filter (where status = 'processing') as flying,
           count(*) filter (where status = 'succeeded') as done from tasks where id = any($1)
"""
_POLLS = """
    select count(*) as polls, coalesce(percentile_cont(0.5) within group (order by late), 0) as p50,
           coalesce(percentile_cont(0.99) within group (order by late), 0) as p99, coalesce(max(late), 0) as worst
    from bench_polls
"""


async def measure(stand: Stand, report: Report) -> None:
    """Ordered at once, begun as fast as it goes, polled at growing intervals until each is done."""
    await stand.open_accounts(CUSTOMERS)
    lengths = f"{FROM_SECONDS} to {TO_SECONDS} s"
    report.head(f"{TASKS:,} tasks in flight at the sandbox, each for {lengths}; one worker process, no callbacks")
    await _fly(stand, report, range(FROM_SECONDS, TO_SECONDS + 1), most_late=10)
    report.head("the same, each for 150 s: they end as fast as they were begun, and are stored meanwhile")
    await _fly(stand, report, [150], most_late=None)


async def _fly(stand: Stand, report: Report, lengths: Sequence[int], *, most_late: float | None) -> None:
    async with stand.api() as (port, _):
        turns = cycle([orders.requests(stand.customers, model=f"sandbox:slow-{seconds}") for seconds in lengths])
        await load.exactly(port, lambda: next(turns)(), TASKS, status=202)
    await stand.settle()
    [ours] = await stand.run("select array_agg(id) as ids from tasks where status = 'pending'")
    for statement in _WITNESS:
        await stand.run(statement)
    flying = 0
    with stand.worker() as worker:
        began = time.monotonic()
        while True:
            [look] = await stand.run(_LOOK, ours["ids"])
            flying = max(flying, look["flying"])
            if look["done"] == TASKS or time.monotonic() - began > 600:
                break
            await asyncio.sleep(1)
        spent, used, size = time.monotonic() - began, cpu(worker), memory(worker)
    [polls] = await stand.run(_POLLS)
    for statement in _FORGET:
        await stand.run(statement)
    report.at_least("most in flight at once", flying, "tasks", 0.98 * TASKS)
    report.at_least("succeeded", look["done"], "tasks", TASKS)
    report.at_least("polls", polls["polls"], "polls")
    report.at_most("how late a poll is, half of them", polls["p50"], "s")
    report.at_most("how late a poll is, 99 of 100", polls["p99"], "s", most_late)
    report.at_most("how late a poll is, the latest", polls["worst"], "s")
    report.at_most("memory of the worker and its children", size, "MiB")
    report.at_most("share of one core it took", 100 * used / spent, "%")
