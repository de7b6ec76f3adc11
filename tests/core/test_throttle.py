"""Limits that have to hold, also when all come at once."""

import asyncio

import pytest
from sqlalchemy import text

from app.core import throttle
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.throttle import Limit, TooManyAttempts


async def taken(database: Database, settings: Settings, *wanted: throttle.Wanted, times: int = 1) -> int:
    """How many of so many at once were let through."""
    tries = (throttle.take(database, settings, *wanted) for _ in range(times))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert all(result is None or isinstance(result, TooManyAttempts) for result in results), results
    return results.count(None)


async def test_a_limit_holds_when_all_come_at_once(database: Database, settings: Settings) -> None:
    assert await taken(database, settings, (Limit("test", 5, 3600), str(new_id())), times=30) == 5


async def test_subjects_and_names_are_counted_apart(database: Database, settings: Settings) -> None:
    one, other = str(new_id()), str(new_id())
    limit = Limit("test", 1, 3600)
    assert await taken(database, settings, (limit, one)) == 1
    assert await taken(database, settings, (limit, other)) == 1
    assert await taken(database, settings, (Limit("test-b", 1, 3600), one)) == 1
    assert await taken(database, settings, (limit, one)) == 0


async def test_where_one_refuses_none_counts(database: Database, settings: Settings) -> None:
    narrow, wide = (Limit("narrow", 1, 3600), str(new_id())), (Limit("wide", 2, 3600), str(new_id()))
    assert await taken(database, settings, narrow, wide, times=10) == 1
    assert await taken(database, settings, wide, times=10) == 1


async def test_a_refusal_tells_when_to_come_again(database: Database, settings: Settings) -> None:
    wanted = (Limit("test", 4, 3600), str(new_id()))
    await taken(database, settings, wanted, times=4)
    with pytest.raises(TooManyAttempts) as caught:
        await throttle.take(database, settings, wanted)
    assert 890 <= int(caught.value.headers["Retry-After"]) <= 900


async def test_a_bucket_fills_again(database: Database, settings: Settings) -> None:
    wanted = (Limit("test", 2, 0.2), str(new_id()))
    assert await taken(database, settings, wanted, times=2) == 2
    async with asyncio.timeout(5):
        while not await taken(database, settings, wanted):
            await asyncio.sleep(0.02)


async def test_what_is_given_back_may_be_taken_again(database: Database, settings: Settings) -> None:
    wanted = (Limit("test", 1, 3600), str(new_id()))
    for _ in range(3):
        assert await taken(database, settings, wanted) == 1
        await throttle.give_back(database, settings, wanted)
    assert await taken(database, settings, wanted, times=2) == 1, "nothing is saved up"


async def test_where_nobody_is_known_nothing_is_counted(database: Database, settings: Settings) -> None:
    assert await taken(database, settings, (Limit("test", 1, 3600), ""), times=3) == 3


async def test_no_subject_rests_in_the_database(database: Database, settings: Settings) -> None:
    subject = f"{new_id().hex}@example.com"
    await taken(database, settings, (Limit("test", 1, 3600), subject))
    rows = await database.fetch("select key from throttles")
    assert all(len(row["key"]) == 32 and subject.encode() not in row["key"] for row in rows)


async def test_only_full_buckets_are_forgotten(database: Database, settings: Settings) -> None:
    lasting, passing = (Limit("test", 1, 3600), str(new_id())), (Limit("test", 1, 0.001), str(new_id()))
    await taken(database, settings, lasting)
    await taken(database, settings, passing)
    key = throttle.subject_key(settings, "test", passing[1])
    async with asyncio.timeout(5):
        while await database.fetchrow("select 1 from throttles where key = $1", key):
            await throttle.forget_full(database)
    assert await taken(database, settings, lasting) == 0


async def test_an_attempt_to_sign_in_locks_its_buckets_in_the_order_of_their_keys(database: Database) -> None:
    """As `throttle_take` and `throttle_give_back` do: else two of them may wait for each other."""
    pair, account, network = (number + new_id().bytes for number in (b"p", b"1", b"2"))
    begin = "select outcome from sign_in_begin(:pair, 5, 900, :network, 300, :account, 30, 3600, null, false)"
    lock = text("insert into throttles values (:key, now()) on conflict (key) do update set full_at = now()")
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

    async def attempt() -> str:
        async with database.transaction() as session:
            values = {"pair": pair, "network": network, "account": account}
            return str((await session.execute(text(begin), values)).scalar_one())

    async with database.transaction() as session:
        await session.execute(lock, {"key": account})
        other = asyncio.create_task(attempt())
        async with asyncio.timeout(10):
            while not await database.fetch(waiting):
                await asyncio.sleep(0.01)
        await session.execute(text("set local lock_timeout = '500ms'"))
        await session.execute(lock, {"key": network})
    assert await other == "go"
