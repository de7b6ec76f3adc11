"""Years of use: what is quick on empty tables has to stay so."""

from collections.abc import Mapping
from itertools import cycle

import asyncpg

from scripts.bench import load, reads, submits, works
from scripts.bench.report import Report
from scripts.bench.stand import Stand

CUSTOMERS = 1000
TASKS = 1_000_000
TRANSFERS = 10_000_000
SEEDS = 1000
WORK = 2000
HOUR = 3600
LEAST = 0.8
LISTS = {
    "balance": "/v1/credits",
    "latest transaction": "/v1/credits/transactions?limit=1",
    "latest task of the list": "/v1/tasks?limit=1",
}


async def measure(stand: Stand, report: Report) -> None:
    """The same figures on empty tables and on full ones."""
    report.head(f"With {TRANSFERS:,} transfers and {TASKS:,} tasks in the tables, against the same with none")
    await stand.open_accounts(CUSTOMERS)
    empty = await _figures(stand)
    await stand.fresh()
    await works.do(stand, SEEDS, CUSTOMERS)
    await fill(stand)
    for name, rate in (await _figures(stand)).items():
        report.at_least(f"{name}, empty tables", empty[name], "/s")
        report.at_least(f"{name}, full tables", rate, "/s")
        report.ratio(f"the speed of {name} on empty tables", rate, empty[name], LEAST)
    [row] = await stand.run("select (pg_database_size(current_database()) / 1024 / 1024)::float8 as size")
    report.at_most("size of the database", row["size"], "MiB")


async def _figures(stand: Stand) -> dict[str, float]:
    work = await works.do(stand, WORK, CUSTOMERS)
    whole, unchanged = await reads.rates(stand, await reads.ended(stand))
    figures = {"worker": work.rate, "status GET": whole.rate, "304": unchanged.rate}
    async with stand.api() as (port, _):
        for name, path in LISTS.items():
            figures[name] = (await load.median(port, _get(stand, path), status=200)).rate
    return figures | {"submit": (await submits.rate(stand)).rate}


def _get(stand: Stand, path: str) -> load.Next:
    turns = cycle([load.request("GET", path, f"X-API-Key: {customer.secret}") for customer in stand.customers])
    return lambda: next(turns)


async def fill(stand: Stand) -> None:
    """The tasks there are, all done, are copied with what belongs to them; each account gets a long history."""
    connection = await stand.connect()
    # No triggers and no checks of foreign keys: what is copied is sound, and queues do not change.
    await connection.execute("set session_replication_role = replica; set synchronous_commit = off")
    await connection.execute(_COPIES.format(copies=TASKS // SEEDS), timeout=HOUR)
    for table, changed in _CHANGED.items():
        await _copy(connection, table, changed)
    await connection.execute(_HISTORY.format(entries=TRANSFERS // CUSTOMERS), timeout=HOUR)
    await connection.execute("drop table copies")
    await connection.close()
    await stand.settle()


_COPIES = """
    create table copies as
    select t.id as seed, t.output_ids[1] as seed_asset, make_interval(secs => n * 30) as ago, n,
           uuidv7(make_interval(secs => n * -30)) as id, uuidv7(make_interval(secs => n * -30)) as asset_id
    from tasks t cross join generate_series(1, {copies}) n;
    analyze copies;
"""

_CHANGED = {
    "tasks": {
        "id": "c.id",
        "output_ids": "array[c.asset_id]",
        "created_at": "t.created_at - c.ago",
        "completed_at": "t.completed_at - c.ago",
    },
    "task_steps": {"task_id": "c.id", "asset_ids": "array[c.asset_id]"},
    "task_attempts": {"id": "gen_random_uuid()", "task_id": "c.id", "asset_ids": "array[c.asset_id]"},
    "credit_holds": {"id": "gen_random_uuid()", "task_id": "c.id"},
    "events": {"id": "new_id()", "task_id": "c.id", "position": "nextval('events_position_seq')"},
    "assets": {"id": "c.asset_id", "task_id": "c.id", "created_at": "t.created_at - c.ago"},
    "asset_files": {"asset_id": "c.asset_id", "key": "t.key || c.n"},
}
"""What differs in a copy; `t` is the row copied, `c` the copy."""


async def _copy(connection: asyncpg.Connection, table: str, changed: Mapping[str, str]) -> None:
    columns = [
        row["attname"]
        for row in await connection.fetch(
            "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped "
            "and attgenerated = '' and attidentity = ''",
            table,
        )
    ]
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    match table:
        case "tasks":
            joined = "t.id = c.seed"
        case "asset_files":
            joined = "t.asset_id = c.seed_asset"
        case _:
            joined = "t.task_id = c.seed"
    await connection.execute(
        f"insert into {table} ({names}) select {values} from copies c join {table} t on {joined}", timeout=HOUR
    )


_HISTORY = """
    insert into credit_transfers (
        id, workspace_id, mode, entry, kind, debit, credit, amount, balance_before, balance_after, reason, task_id,
        reference, created_at)
    select x.id, a.workspace_id, a.mode, a.entries + n, kind, debit, credit, 1000000,
           a.balance + 1000000 * (1 - n % 2), a.balance + 1000000 * (n % 2), 'Bench', null, x.id::text,
           now() - make_interval(secs => ({entries} - n) * 60)
    from credit_accounts a
    cross join generate_series(1, {entries}) n
    cross join lateral (select gen_random_uuid() as id, a.entries + n as unused) x
    cross join lateral (
        select case n % 2 when 1 then 'grant' else 'capture' end as kind,
               case n % 2 when 1 then 'promotions' else 'customer' end as debit,
               case n % 2 when 1 then 'customer' else 'usage' end as credit) sides;
    update credit_accounts set entries = entries + {entries};
"""
