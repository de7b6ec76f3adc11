"""`audit verify` names what was done to the log behind our back, as a superuser could with the guards switched off."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit import service as audit
from app.accounts.audit import verify
from app.accounts.audit.verify import Breach
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.visitor import Visitor

TABLES = ("audit_entries", "audit_details", "audit_chains")
AT = "where chain = :chain and number = {}"
IDS = "(select id from audit_entries where chain = :chain and number = {})"


class Undone(Exception):
    """Ends the transaction that spoiled the log."""


@pytest.fixture
async def chain(database: Database) -> UUID:
    """A chain of five entries."""
    chain = new_id()
    for place in range(5):
        async with database.transaction() as session:
            actor = audit.Actor("user", new_id())
            audit.record(session, actor, "thing.done", workspace_id=chain, data={"place": place})
    return chain


@asynccontextmanager
async def guards_off(database: Database) -> AsyncIterator[AsyncSession]:
    """A transaction with the guards switched off, which is undone; they are on again when it is checked."""
    with suppress(Undone):
        async with database.transaction() as session:
            for table in TABLES:
                await session.execute(text(f"alter table {table} disable trigger user"))
            yield session
            raise Undone


async def found(session: AsyncSession, chain: UUID | None, **options: Any) -> list[tuple[str, int | None]]:
    """Which checks found something in the chain, and at which entry."""
    for table in TABLES:
        await session.execute(text(f"alter table {table} enable always trigger {table}_no_truncate"))
    report = await verify.verify(session, **options)
    return [(breach.check, breach.number) for breach in report.breaches if breach.chain == chain]


SPOILS: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "an action changed": (f"update audit_entries set action = 'thing.undone' {AT.format(3)}", [("A1", 3)]),
    "an actor changed": (f"update audit_entries set actor_id = id {AT.format(3)}", [("A1", 3)]),
    "a time changed": (
        f"update audit_entries set created_at = created_at + interval '1 ms' {AT.format(3)}",
        [("A1", 3)],
    ),
    "changed and sealed again": (
        f"update audit_entries set action = 'thing.undone' {AT.format(3)};"
        f"update audit_entries e set hash = audit_hash(e) {AT.format(3)}",
        [("A2", 4)],
    ),
    "the first removed": (f"delete from audit_entries {AT.format(1)}", [("A2", 2)]),
    "one removed in the middle": (f"delete from audit_entries {AT.format(3)}", [("A2", 4)]),
    "one removed in the middle, the others counted anew": (
        f"delete from audit_entries {AT.format(3)};"
        "update audit_entries set number = number - 1 where chain = :chain and number > 3",
        [("A1", 3), ("A1", 4), ("A2", 3), ("A3", 4)],
    ),
    "the newest removed": (f"delete from audit_entries {AT.format(5)}", [("A3", 4)]),
    "the two newest removed": ("delete from audit_entries where chain = :chain and number > 3", [("A3", 3)]),
    "all entries removed": ("delete from audit_entries where chain = :chain", [("A3", 0)]),
    "the end removed": ("delete from audit_chains where chain = :chain", [("A3", 5)]),
    "the end changed": ("update audit_chains set hash = '\\x00' where chain = :chain", [("A3", 5)]),
    "details changed": (f"update audit_details set data = '{{}}' where entry_id = {IDS.format(2)}", [("A4", 2)]),
    "details swapped": (
        "update audit_details d set (salt, ip, user_agent, data) = (select salt, ip, user_agent, data"
        " from audit_details"
        f" o where o.entry_id <> d.entry_id and o.entry_id in ({IDS.format(2)}, {IDS.format(3)}))"
        f" where d.entry_id in ({IDS.format(2)}, {IDS.format(3)})",
        [("A4", 2), ("A4", 3)],
    ),
    "details removed": (f"delete from audit_details where entry_id = {IDS.format(2)}", [("A5", 2)]),
}


@pytest.mark.parametrize("spoil", SPOILS)
async def test_what_was_done_is_named(database: Database, chain: UUID, spoil: str) -> None:
    statements, expected = SPOILS[spoil]
    async with guards_off(database) as session:
        for statement in statements.split(";"):
            await session.execute(text(statement), {"chain": chain})
        assert [each for each in await found(session, chain) if each[0] != "A6"] == expected
    async with database.transaction() as session:
        assert (await verify.verify(session)).breaches == []


async def test_details_of_no_entry_are_named(database: Database, chain: UUID) -> None:
    async with guards_off(database) as session:
        await session.execute(
            text("insert into audit_details values (:id, '\\x00', null, null, '{}')"), {"id": new_id()}
        )
        assert ("A4", None) in await found(session, None)


async def test_a_guard_that_is_off_is_named(database: Database) -> None:
    with suppress(Undone):
        async with database.transaction() as session:
            await session.execute(text("alter table audit_entries disable trigger audit_entries_append_only"))
            report = await verify.verify(session)
            assert report.breaches == [
                Breach("A6", None, None, "there is no trigger audit_entries_append_only"),
            ]
            raise Undone


async def test_a_function_that_hides_a_change_is_not_believed(database: Database, chain: UUID) -> None:
    async with guards_off(database) as session:
        await session.execute(
            text("create or replace function audit_hash(e audit_entries) returns bytea language sql as 'select e.hash'")
        )
        await session.execute(
            text(f"update audit_entries set action = 'thing.undone' {AT.format(3)}"), {"chain": chain}
        )
        assert ("A1", 3) in await found(session, chain)


async def test_details_that_were_erased_are_counted_and_no_breach(database: Database, chain: UUID) -> None:
    async with database.transaction() as session:
        before = await verify.verify(session)
    async with database.transaction() as session:
        assert await audit.erase_chain(session, chain, about=("workspace", chain)) == 5
    async with database.transaction() as session:
        after = await verify.verify(session)
    assert after.breaches == []
    assert (after.erased, after.entries) == (before.erased + 5, before.entries + 1)


async def test_erasing_again_notes_nothing(database: Database, chain: UUID) -> None:
    for expected in (5, 0):
        async with database.transaction() as session:
            assert await audit.erase_chain(session, chain, about=("workspace", chain)) == expected
    rows = await database.fetch("select action from audit_entries where chain = $1 order by number", chain)
    assert [row["action"] for row in rows[5:]] == ["audit_log.erased"]


async def test_details_removed_by_hand_after_an_erasure_are_named(database: Database, chain: UUID) -> None:
    async with database.transaction() as session:
        await audit.erase_chain(session, chain, about=("workspace", chain))
    async with database.transaction() as session:
        audit.record(session, audit.SYSTEM, "thing.done", workspace_id=chain, data={"place": 7})
    async with guards_off(database) as session:
        await session.execute(text(f"delete from audit_details where entry_id = {IDS.format(7)}"), {"chain": chain})
        assert ("A5", 7) in await found(session, chain)


async def test_an_erasure_that_claims_more_than_it_did_is_named(database: Database, chain: UUID) -> None:
    async with database.transaction() as session:
        actor = (
            await session.execute(text(f"select actor_id from audit_entries {AT.format(2)}"), {"chain": chain})
        ).scalar_one()
        await audit.erase_about_user(session, chain, actor, targets=(), words={})
    async with guards_off(database) as session:
        statement = f"""update audit_details set data = '{{"entries": "{{[1,6)}}"}}' where entry_id = {IDS.format(6)}"""
        await session.execute(text(statement), {"chain": chain})
        await session.execute(text(f"delete from audit_details where entry_id = {IDS.format(4)}"), {"chain": chain})
        named = await found(session, chain)
    assert {("A4", 6), ("A5", 2), ("A5", 4)} <= set(named)


async def test_only_what_is_about_the_user_is_erased(database: Database) -> None:
    chain, user, invitation = new_id(), new_id(), new_id()
    acts = (
        (audit.Actor("user", user), None, {}),
        (audit.Actor("user", new_id()), ("user", user), {}),
        (audit.Actor("user", new_id()), ("invitation", invitation), {}),
        (audit.Actor("user", new_id()), None, {"email": "An@Example.com"}),
        (audit.Actor("user", new_id()), None, {"email": "other@example.com"}),
    )
    for actor, target, data in acts:
        async with database.transaction() as session:
            audit.record(session, actor, "thing.done", workspace_id=chain, target=target, data=data)
    async with database.transaction() as session:
        words = {"an@example.com": None}
        assert await audit.erase_about_user(session, chain, user, targets=[user, invitation], words=words) == 4
    left = await database.fetch(
        "select e.number from audit_entries e join audit_details d on d.entry_id = e.id where chain = $1 order by 1",
        chain,
    )
    assert [row["number"] for row in left] == [5, 6]


@pytest.mark.parametrize(
    ("data", "is_erased"),
    [
        ({"deep": [{"to": ["x", "AN@example.com"]}]}, True),
        ({"email": "han@example.com"}, False),
        ({"email": "an@example.com.vn"}, False),
        ({"text": "asked by an@example.com"}, False),
        ({"an@example.com": "a"}, False),
        ({"email": "before@example.com"}, True),
        ({"email": "since@example.com"}, False),
    ],
)
async def test_a_word_counts_where_it_is_all_that_is_said_in_its_time(
    database: Database, data: dict[str, Any], is_erased: bool
) -> None:
    chain = new_id()
    actor = audit.Actor("user", new_id(), visitor=Visitor("203.0.113.7", "an@example.com"))
    async with database.transaction() as session:
        audit.record(session, actor, "thing.done", workspace_id=chain, data=data)
    hour = timedelta(hours=1)
    words = {"an@example.com": None, "before@example.com": clock.now() + hour, "since@example.com": clock.now() - hour}
    async with database.transaction() as session:
        found = await audit.list_chains_about_user(session, new_id(), targets=(), words=words)
        erased = await audit.erase_about_user(session, chain, new_id(), targets=(), words=words)
    assert (chain in found, erased) == (is_erased, int(is_erased))


async def test_a_chain_rewritten_whole_is_found_by_an_end_that_was_written_down(
    database: Database, chain: UUID
) -> None:
    async with database.transaction() as session:
        pinned = await verify.list_ends(session)
    async with guards_off(database) as session:
        await session.execute(
            text(f"update audit_entries set action = 'thing.undone' {AT.format(2)}"), {"chain": chain}
        )
        for number in (2, 3, 4, 5):
            await session.execute(
                text(
                    "update audit_entries e set previous_hash = (select hash from audit_entries o"
                    " where o.chain = e.chain and o.number = e.number - 1) where chain = :chain and number = :number"
                ),
                {"chain": chain, "number": number},
            )
            await session.execute(
                text("update audit_entries e set hash = audit_hash(e) where chain = :chain and number = :number"),
                {"chain": chain, "number": number},
            )
        await session.execute(
            text(
                f"update audit_chains set hash = (select hash from audit_entries {AT.format(5)}) where chain = :chain"
            ),
            {"chain": chain},
        )
        assert await found(session, chain) == []
        assert await found(session, chain, pinned=pinned) == [("A7", 5)]
