"""Ordering: with many customers, and with one."""

from scripts.bench import load, orders
from scripts.bench.report import Report
from scripts.bench.stand import Stand

CUSTOMERS = 1000


async def measure(stand: Stand, report: Report) -> None:
    """Many customers and one; against the bare routes, and the database alone."""
    report.head("Submit: key, limits, idempotency, hold, task, event, wake-up; one API process, 16 connections")
    await stand.open_accounts(CUSTOMERS)
    entry = await orders.template(stand)
    await stand.fresh()
    await orders.keep_for_pgbench(stand, entry)
    await stand.settle()
    async with stand.bare() as port:
        same_body = await load.median(port, orders.requests(stand.customers, "/same-body"), status=202)
        same_statement = await load.median(port, orders.requests(stand.customers, "/same-statement"), status=202)
    await stand.fresh()
    await stand.settle()
    many = await rate(stand)
    async with stand.api() as (port, _):
        one = await load.median(port, orders.requests(stand.customers[:1]), status=202)
        alone = await load.median(port, orders.requests(stand.customers), status=202, connections=1)
    await stand.fresh()
    await orders.keep_for_pgbench(stand, entry)
    tps = await stand.pgbench(orders.PGBENCH.format(last=CUSTOMERS - 1))
    report.at_least("1,000 workspaces", many.rate, "/s", 1200)
    report.at_most("1,000 workspaces, p99", many.p99, "ms", 40)
    report.at_least("one workspace", one.rate, "/s", 1000)
    report.at_most("one workspace, p99", one.p99, "ms", 40)
    report.at_most("one caller at a time, p50", alone.p50, "ms")
    report.at_least("limit: bare FastAPI route, the same statement", same_statement.rate, "/s")
    report.ratio("it, 1,000 workspaces", many.rate, same_statement.rate, 0.45)
    report.at_least("limit: bare FastAPI route, the same body, no database", same_body.rate, "/s")
    report.ratio("it, 1,000 workspaces", many.rate, same_body.rate)
    report.at_least("limit: pgbench, the same statement, 16 clients", tps, "/s")
    report.ratio("it, 1,000 workspaces", many.rate, tps)


async def rate(stand: Stand) -> load.Load:
    """Orders of all customers in turn."""
    async with stand.api() as (port, _):
        return await load.median(port, orders.requests(stand.customers), status=202)
