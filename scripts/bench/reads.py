"""Reading the status of a task."""

from itertools import cycle
from uuid import UUID

import httpx

from app.core.ids import encode
from scripts.bench import load, works
from scripts.bench.report import Report
from scripts.bench.stand import Customer, Stand

TASKS = 1000
CUSTOMERS = 50


async def measure(stand: Stand, report: Report) -> None:
    """Whole answers and 304; against a bare route that reads the same row, and the database alone."""
    report.head("Status: one API process, 16 connections")
    await stand.open_accounts(CUSTOMERS)
    await works.do(stand, TASKS, CUSTOMERS)
    tasks = await ended(stand)
    await stand.settle()
    async with stand.bare() as port:
        bare = await load.median(port, _bare(tasks), status=200)
    whole, unchanged = await rates(stand, tasks)
    tps = await stand.pgbench(f"select * from tasks where id = '{tasks[0][0]}';")
    report.at_least("GET of an ended task", whole.rate, "/s", 2500)
    report.at_most("GET of an ended task, p99", whole.p99, "ms")
    report.at_least("limit: bare FastAPI route, the same row by asyncpg", bare.rate, "/s")
    report.ratio("it", whole.rate, bare.rate, 0.5)
    report.at_least("304 of an ended task", unchanged.rate, "/s", 3000)
    report.at_least("limit: pgbench, the same row, 16 clients", tps, "/s")


async def ended(stand: Stand) -> list[tuple[UUID, Customer]]:
    """Some tasks that were done, and whose they are."""
    owners = {customer.workspace_id: customer for customer in stand.customers}
    rows = await stand.run(f"select id, workspace_id from tasks where status = 'succeeded' order by id limit {TASKS}")
    return [(row["id"], owners[row["workspace_id"]]) for row in rows]


async def rates(stand: Stand, tasks: list[tuple[UUID, Customer]]) -> tuple[load.Load, load.Load]:
    """Whole answers, and 304."""
    async with stand.api() as (port, _):
        whole = await load.median(port, whole_answers(tasks), status=200)
        return whole, await load.median(port, await _unchanged(port, tasks), status=304)


def _bare(tasks: list[tuple[UUID, Customer]]) -> load.Next:
    turns = cycle([load.request("GET", f"/same-row/{task_id}") for task_id, _ in tasks])
    return lambda: next(turns)


def _path(task_id: UUID) -> str:
    return f"/v1/tasks/{encode('task', task_id)}"


def whole_answers(tasks: list[tuple[UUID, Customer]]) -> load.Next:
    turns = cycle([load.request("GET", _path(task_id), f"X-API-Key: {whose.secret}") for task_id, whose in tasks])
    return lambda: next(turns)


async def _unchanged(port: int, tasks: list[tuple[UUID, Customer]]) -> load.Next:
    asked = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
        for task_id, whose in tasks[:100]:
            answer = await api.get(_path(task_id), headers={"X-API-Key": whose.secret})
            headers = (f"X-API-Key: {whose.secret}", f"If-None-Match: {answer.headers['etag']}")
            asked.append(load.request("GET", _path(task_id), *headers))
    turns = cycle(asked)
    return lambda: next(turns)
