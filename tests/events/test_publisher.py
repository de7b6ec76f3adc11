"""Publishing: what is committed gets its number once, in an order no reader can miss anything of."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.core import queue
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.events import publisher as publishing
from app.events import queries, service
from app.events.feed import FeedAsk, FeedReader, Whose
from app.events.publisher import Publisher
from tests.waiting import eventually

TYPES = ("test.one",)
WRITE = """
    insert into events (id, workspace_id, mode, type, data, created_at)
    values ($1, $2, 'live', 'test.one', '{}', now())
"""


@pytest.fixture
def whose() -> Whose:
    return Whose(uuid4(), "live")


@pytest.fixture
def publisher(database: Database) -> Publisher:
    return Publisher(database, database.redis)


async def write(database: Database, whose: Whose, count: int = 1) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    for event_id in ids:
        await database.fetch(WRITE, event_id, whose.workspace_id)
    return ids


async def read(database: Database, whose: Whose, after: int = 0) -> tuple[list[UUID], int]:
    """All that follows, page by page."""
    reader, found = FeedReader(database), []
    while True:
        (page,) = await reader.list_all_following([FeedAsk(whose, after, TYPES)])
        found += [row["id"] for row in page.rows]
        after = page.number
        if len(page.rows) < queries.BATCH:
            return found, after


async def test_what_is_committed_is_published_once(database: Database, publisher: Publisher, whose: Whose) -> None:
    ids = await write(database, whose, 3)
    await publisher.publish()
    await publisher.publish()
    assert (await read(database, whose))[0] == ids


async def test_who_has_seen_a_number_misses_nothing_that_commits_later(
    database: Database, publisher: Publisher, whose: Whose
) -> None:
    """A transaction that began first, and took the lower position, may commit last."""
    early, late = new_id(), new_id()
    async with database.engine.connect() as slow:
        await slow.execute(
            text(WRITE.replace("$1", ":id").replace("$2", ":ws")), {"id": early, "ws": whose.workspace_id}
        )
        await database.fetch(WRITE, late, whose.workspace_id)
        await publisher.publish()
        seen, after = await read(database, whose)
        assert seen == [late]
        await slow.commit()
    await publisher.publish()
    assert (await read(database, whose, after))[0] == [early]


async def test_what_is_rolled_back_is_never_told(database: Database, publisher: Publisher, whose: Whose) -> None:
    async with database.transaction() as session:
        service.record(session, "test.one", workspace_id=whose.workspace_id, mode="live", data={})
        await session.flush()
        await session.rollback()
    await publisher.publish()
    assert (await read(database, whose))[0] == []


async def test_many_publishers_and_writers_give_one_order(database: Database, whose: Whose) -> None:
    """Readers that read all the while see the same order as one that reads at the end, and each event once."""
    publishers = [Publisher(database, database.redis) for _ in range(4)]
    is_done = False

    async def keep(publisher: Publisher) -> None:
        while not is_done:
            await publisher.publish()
            await asyncio.sleep(0)

    async def follow() -> Sequence[UUID]:
        seen: list[UUID] = []
        after = 0
        while len(seen) < 300:
            found, after = await read(database, whose, after)
            seen += found
            await asyncio.sleep(0.001)
        return seen

    async with asyncio.timeout(60):
        running = [asyncio.create_task(keep(one)) for one in publishers]
        following = [asyncio.create_task(follow()) for _ in range(3)]
        written = await asyncio.gather(*(write(database, whose, 30) for _ in range(10)))
        seen = await asyncio.gather(*following)
        is_done = True
        await asyncio.gather(*running)
    whole, _ = await read(database, whose)
    assert sorted(whole) == sorted(event_id for ids in written for event_id in ids)
    assert all(one == whole for one in seen)


async def test_another_takes_over_when_the_one_that_publishes_is_gone(
    settings: Settings, database: Database, whose: Whose
) -> None:
    redis = queue.connect(settings)
    first, second = Publisher(database, redis), Publisher(database, redis)
    first.start()
    second.start()
    await write(database, whose)
    await eventually(lambda: _count(database, whose, 1))
    leader, other = (first, second) if first._leads else (second, first)
    assert leader._publishing is not None
    leader._publishing.cancel()
    await write(database, whose)
    await eventually(lambda: _count(database, whose, 2))
    assert other._leads
    for one in (first, second):
        await one.stop()
    await redis.aclose(close_connection_pool=True)


async def _count(database: Database, whose: Whose, number: int) -> bool:
    return len((await read(database, whose))[0]) == number


async def test_news_that_redis_lost_are_found(
    settings: Settings, database: Database, whose: Whose, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = queue.connect(settings)
    publisher = Publisher(database, redis)
    publisher.start()
    await write(database, whose)  # straight into the table: nobody is told
    await eventually(lambda: _count(database, whose, 1))
    await publisher.stop()
    await redis.aclose(close_connection_pool=True)


async def test_more_than_fits_at_once_is_published_too(
    database: Database, publisher: Publisher, whose: Whose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "AT_ONCE", 2)
    ids = await write(database, whose, 5)
    await publisher.publish()
    assert (await read(database, whose))[0] == ids


async def test_mails_are_nobodys_news(database: Database, publisher: Publisher, whose: Whose) -> None:
    async with database.transaction() as session:
        service.record(session, "mail.confirm", workspace_id=whose.workspace_id, mode="live", data={})
    await publisher.publish()
    assert (await FeedReader(database).latest([whose.key])) == {}
