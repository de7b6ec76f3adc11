"""The chain of the audit log: whole whoever writes at once, and the same bytes wherever it is read."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from app.accounts.audit import service as audit
from app.accounts.audit.queries import _DETAILS_HASH, _ENTRY_HASH
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.visitor import Visitor

SOMEBODY = audit.Actor("user", new_id(), visitor=Visitor("203.0.113.7", "Mozilla/5.0 (Thử “nghiệm”) \\ 🦊"))
DATA = {
    "email": "an@example.com",
    "number": 1.50,
    "tiny": 1e-7,
    "big": 2**70,
    "deep": {"ü": [None, True, "\u2028\x7f"]},
}


async def _numbers(database: Database, chain: UUID) -> list[int]:
    rows = await database.fetch("select number from audit_entries where chain = $1 order by number", chain)
    return [row["number"] for row in rows]


async def test_many_writers_of_one_chain_leave_no_gap(database: Database) -> None:
    chain = new_id()

    async def write(_: int) -> None:
        async with database.transaction() as session:
            audit.record(session, SOMEBODY, "thing.done", workspace_id=chain, data=DATA)

    await asyncio.gather(*map(write, range(40)))
    assert await _numbers(database, chain) == list(range(1, 41))


async def test_what_is_rolled_back_leaves_no_gap(database: Database) -> None:
    chain = new_id()

    async def write(fails: bool) -> None:
        async with database.transaction() as session:
            audit.record(session, SOMEBODY, "thing.done", workspace_id=chain)
            if fails:
                # Written, and undone: the lock on the end of the chain is given up by the rollback alone.
                _, statement, values = session.info["last"][0]
                await session.execute(statement, values)
                raise ZeroDivisionError

    results = await asyncio.gather(*(write(place % 3 == 0) for place in range(30)), return_exceptions=True)
    assert sum(isinstance(result, ZeroDivisionError) for result in results) == 10
    assert [result for result in results if not isinstance(result, ZeroDivisionError)] == [None] * 20
    assert await _numbers(database, chain) == list(range(1, 21))


async def test_writers_of_two_chains_do_not_wait_in_a_circle(database: Database) -> None:
    one, two = new_id(), new_id()

    async def write(place: int) -> None:
        async with database.transaction() as session:
            for chain in (one, two) if place % 2 else (two, one):
                audit.record(session, SOMEBODY, "thing.done", workspace_id=chain)

    await asyncio.gather(*map(write, range(40)))
    assert await _numbers(database, one) == await _numbers(database, two) == list(range(1, 41))


async def test_time_goes_forwards_in_the_order_of_the_chain(database: Database) -> None:
    """A reader who pages by time would miss what is committed later with an earlier time."""
    chain, first_waits = new_id(), asyncio.Event()

    async def write(waits: bool) -> None:
        async with database.transaction() as session:
            audit.record(session, SOMEBODY, "thing.done", workspace_id=chain)
            if waits:
                await first_waits.wait()

    slow = asyncio.create_task(write(True))
    for _ in range(5):
        await write(False)
    first_waits.set()
    await slow
    rows = await database.fetch("select created_at from audit_entries where chain = $1 order by number", chain)
    times = [row["created_at"] for row in rows]
    assert times == sorted(set(times))


SETTINGS = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "xmlbinary": "hex",
    "search_path": "pg_catalog, public",
}


@pytest.mark.parametrize("name", SETTINGS)
async def test_the_hash_is_the_same_under_other_settings(database: Database, settings: Settings, name: str) -> None:
    chain = new_id()
    async with database.transaction() as session:
        audit.record(session, SOMEBODY, "thing.done", workspace_id=chain, target=("task", new_id()), data=DATA)
    connection = await asyncpg.connect(settings.database.plain_url)
    try:
        await connection.execute(f"select set_config('{name}', '{SETTINGS[name]}', false)")
        fitting = await connection.fetchval(
            """select count(*) from audit_entries e join audit_details d on d.entry_id = e.id
               where e.chain = $1 and e.hash = audit_hash(e) and e.details_hash = audit_details_hash(d)""",
            chain,
        )
    finally:
        await connection.close()
    assert fitting == 1


async def test_the_hash_is_the_same_after_a_dump_was_restored(database: Database) -> None:
    """Every value goes through its text, as in a dump, read under another time zone."""
    chain = new_id()
    async with database.transaction() as session:
        audit.record(session, SOMEBODY, "thing.done", workspace_id=chain, target=("task", new_id()), data=DATA)
    async with database.transaction() as session:
        for place, (table, key) in enumerate({"audit_entries": "chain", "audit_details": "entry_id"}.items()):
            where = (
                "e.chain = :chain" if not place else "e.entry_id in (select id from audit_entries where chain = :chain)"
            )
            await session.execute(text("select set_config('TimeZone', 'America/St_Johns', true)"))
            columns = (
                await session.execute(
                    text(
                        "select column_name, data_type from information_schema.columns "
                        "where table_name = :table order by ordinal_position"
                    ),
                    {"table": table},
                )
            ).all()
            picked = ", ".join(f"e.{name}::text as {name}" for name, _ in columns)
            kinds = {"ARRAY": "text", "USER-DEFINED": "text"}
            restored = ", ".join(f"{name}::{kinds.get(kind, kind)}" for name, kind in columns)
            await session.execute(
                text(
                    f"create temp table dumped_{table} on commit drop as select {picked} from {table} e where {where}"
                ),
                {"chain": chain},
            )
            await session.execute(text("select set_config('TimeZone', 'Asia/Kathmandu', true)"))
            await session.execute(
                text(f"create temp table restored_{table} on commit drop as select {restored} from dumped_{table}")
            )
            assert key in restored
        fitting = await session.scalar(
            text(
                "select count(*) from restored_audit_entries e join restored_audit_details d on d.entry_id = e.id "
                f"where e.hash = {_ENTRY_HASH} and e.details_hash = {_DETAILS_HASH}"
            )
        )
    assert fitting == 1


async def test_an_entry_cannot_be_changed_nor_removed(database: Database) -> None:
    chain = new_id()
    async with database.transaction() as session:
        audit.record(session, SOMEBODY, "thing.done", workspace_id=chain)
    for statement in (
        "update audit_entries set action = 'thing.undone' where chain = $1",
        "delete from audit_entries where chain = $1",
        "update audit_details set ip = null where entry_id in (select id from audit_entries where chain = $1)",
        "delete from audit_chains where chain = $1",
        "update audit_chains set number = number - 1 where chain = $1",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.fetch(statement, chain)
    for table in ("audit_entries", "audit_details", "audit_chains"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.fetch(f"truncate {table}")
