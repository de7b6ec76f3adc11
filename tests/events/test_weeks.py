"""The log by weeks: partitions are there in time, and go when they are old."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import Database
from app.events.publisher import Publisher

PARTS = "select relname from pg_class where relname ~ :like and relkind = 'r' order by 1"
PUT = """
    insert into events (id, workspace_id, mode, type, data, created_at)
    select id_from(now() + :off), new_id(), 'live', 'test.one', '{}', now() + :off
    returning id, tableoid::regclass::text
"""


@pytest.fixture
async def rolled_back(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection whose changes, also those of tables, come to nothing."""
    async with database.engine.connect() as connection:
        yield connection
        await connection.rollback()


async def put(connection: AsyncConnection, off: timedelta) -> tuple[UUID, str]:
    row = (await connection.execute(text(PUT), {"off": off})).one()
    return row.id, row.tableoid


async def where(connection: AsyncConnection, event_id: UUID) -> str:
    found = await connection.execute(
        text("select tableoid::regclass::text from events where id = :id"), {"id": event_id}
    )
    return str(found.scalar_one())


async def test_an_event_of_this_week_has_a_part(rolled_back: AsyncConnection) -> None:
    assert "_until_" in (await put(rolled_back, timedelta()))[1]


async def test_what_came_before_its_week_was_made_moves_there(rolled_back: AsyncConnection) -> None:
    event_id, part = await put(rolled_back, timedelta(days=60))
    assert part == "events_rest"
    await rolled_back.execute(text("select add_weeks('events', 10)"))
    assert "_until_" in await where(rolled_back, event_id)
    assert (await rolled_back.execute(text("select add_weeks('events', 10)"))).scalar_one() == 0


async def test_old_weeks_go_and_the_log_says_since_when_it_is_whole(rolled_back: AsyncConnection) -> None:
    now, _ = await put(rolled_back, timedelta())
    later, _ = await put(rolled_back, timedelta(days=8))
    dropped = (await rolled_back.execute(text("select drop_weeks('events', interval '-8 days')"))).scalars().all()
    assert dropped
    left = (
        await rolled_back.execute(text("select id from events where id in (:a, :b)"), {"a": now, "b": later})
    ).scalars()
    assert list(left) == [later]
    since = (await rolled_back.execute(text("select kept_since from event_log"))).scalar_one()
    assert since.strftime("%Y%m%d") == dropped[-1][-8:]


async def test_new_parts_tell_what_is_new_too(rolled_back: AsyncConnection) -> None:
    await rolled_back.execute(text("select add_weeks('events', 10), add_weeks('feed', 10)"))
    event_id, _ = await put(rolled_back, timedelta(days=60))
    found = await rolled_back.execute(text("select 1 from event_outbox where event_id = :id"), {"id": event_id})
    assert found.scalar_one() == 1


async def test_nothing_old_is_dropped_before_its_time(database: Database) -> None:
    await Publisher(database, database.redis).publish()
    async with database.engine.connect() as connection:
        dropped = await connection.execute(text("select drop_weeks('events', interval '30 days')"))
        assert dropped.scalars().all() == []
        await connection.rollback()
