"""What a process remembers of callers, and how it hears that it is no longer true."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from arq.connections import ArqRedis
from sqlalchemy import update

from app.accounts import caller_cache, changes
from app.accounts.caller_cache import CallerCache
from app.accounts.errors import AccountSuspended, InvalidApiKey
from app.accounts.keys import queries, secrets, service
from app.accounts.models import ApiKey, User
from app.core import clock, queue
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.visitor import Visitor
from tests.conftest import Account

NOBODY = Visitor("", "")


@dataclass
class Counted:
    """The database, and how often it was asked."""

    database: Database
    looks: int = 0

    async def fetchrow(self, statement: str, *args: Any) -> asyncpg.Record | None:
        self.looks += 1
        return await self.database.fetchrow(statement, *args)

    async def fetch(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        return await self.database.fetch(statement, *args)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[ArqRedis]:
    redis = queue.connect(settings)
    yield redis
    await redis.aclose(close_connection_pool=True)


@pytest.fixture
def counted(database: Database) -> Counted:
    return Counted(database)


@pytest.fixture
async def cache(settings: Settings, counted: Counted, redis: ArqRedis) -> AsyncIterator[CallerCache]:
    """The memory of a process of its own, connected."""
    cache = CallerCache(settings, counted, redis)  # type: ignore[arg-type]
    cache.start()
    await connected(cache)
    yield cache
    await cache.close()


async def connected(cache: CallerCache) -> None:
    async with asyncio.timeout(5):
        while not cache._listener.is_connected:
            await asyncio.sleep(0.01)


async def test_a_known_key_needs_no_look(account: Account, cache: CallerCache, counted: Counted) -> None:
    first, again = await cache.find(account.key), await cache.find(account.key)
    assert first == again
    assert (first.workspace_id, first.mode, counted.looks) == (account.workspace_id, "live", 1)
    assert (await cache.find(account.test_key)).mode == "test"


async def test_an_unknown_key_is_never_remembered(cache: CallerCache, counted: Counted) -> None:
    unknown = secrets.make("live", new_id())
    for text in (unknown, unknown, "nonsense"):
        with pytest.raises(InvalidApiKey):
            await cache.find(text)
    assert (counted.looks, cache._known) == (2, {})


async def test_no_key_rests_in_memory(account: Account, cache: CallerCache) -> None:
    await cache.find(account.key)
    assert account.key not in repr(cache._known)
    assert account.key[31:60] not in repr(cache._known)


async def test_every_process_hears_of_a_revoked_key(account: Account, cache: CallerCache, database: Database) -> None:
    caller = await cache.find(account.key)
    async with database.transaction() as session:
        await service.revoke_key(session, caller, caller.key_id, NOBODY)
        changes.tell(session, caller.key_id)
    await refused(cache, account.key, InvalidApiKey)


async def test_every_process_hears_of_a_suspended_user(
    account: Account, cache: CallerCache, database: Database
) -> None:
    caller = await cache.find(account.key)
    await cache.find(account.test_key)
    async with database.transaction() as session:
        await session.execute(update(User).where(User.id == caller.user_id).values(status="suspended"))
        changes.tell(session, caller.user_id)
    for key in (account.key, account.test_key):
        await refused(cache, key, AccountSuspended)


async def refused(cache: CallerCache, key: str, kind: type[Exception]) -> None:
    """Within a moment the key opens nothing."""
    with pytest.raises(kind):
        await _use_for(cache, key, seconds=2)


async def _use_for(cache: CallerCache, key: str, *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            await cache.find(key)
            await asyncio.sleep(0.01)


async def revoke_unheard(database: Database, key_id: UUID) -> None:
    async with database.transaction() as session:
        await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(revoked_at=clock.now()))


async def test_what_nobody_told_is_seen_in_the_end(
    account: Account, cache: CallerCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await revoke_unheard(database, (await cache.find(account.key)).key_id)
    await cache.find(account.key)
    monkeypatch.setattr(caller_cache, "FRESH_SECONDS", 0.0)
    with pytest.raises(InvalidApiKey):
        await cache.find(account.key)


async def test_a_process_nobody_can_tell_looks_more_often(
    account: Account, cache: CallerCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await revoke_unheard(database, (await cache.find(account.key)).key_id)
    monkeypatch.setattr(caller_cache, "ALONE_SECONDS", 0.0)
    await cache.find(account.key)
    await cache._listener.close()
    with pytest.raises(InvalidApiKey):
        await cache.find(account.key)


async def test_nothing_is_believed_after_a_lost_connection(
    account: Account, cache: CallerCache, database: Database, redis: ArqRedis
) -> None:
    await revoke_unheard(database, (await cache.find(account.key)).key_id)
    await cache.find(account.key)
    own = str(redis.connection_pool.connection_kwargs["db"])  # other test processes have others on the same server
    for one in await redis.client_list(_type="pubsub"):
        if one["db"] == own:
            await redis.client_kill_filter(_id=one["id"], skipme=False)
    await refused(cache, account.key, InvalidApiKey)


async def test_what_is_told_during_a_look_counts(
    account: Account, cache: CallerCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row was read before the change; its end comes after."""

    async def slowly(asked: Any, key_id: UUID) -> asyncpg.Record | None:
        row = await find(asked, key_id)
        cache.forget(key_id)
        return row

    find = queries.find_key_with_user
    monkeypatch.setattr(queries, "find_key_with_user", slowly)
    await cache.find(account.key)
    assert cache._known == {}


async def test_the_longest_unused_goes_first(
    account: Account, cache: CallerCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_cache, "MOST", 2)
    async with database.transaction() as session:
        _, third = await service.issue_key(session, email=account.email, mode="live", name="third")
    for key in (account.key, account.test_key, account.key, third):
        await cache.find(key)
    assert [known.found.caller.mode for known in cache._known.values()] == ["live", "live"]


async def test_uses_are_written_together_and_once_a_minute(
    account: Account, cache: CallerCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    async def touch(asked: Any, key_ids: list[UUID], ips: list[str]) -> None:
        written.append(len(key_ids))
        await keep(asked, key_ids, ips)

    keep = queries.touch_keys
    monkeypatch.setattr(queries, "touch_keys", touch)
    for _ in range(3):
        key_id = (await cache.find(account.key)).key_id
        await cache.find(account.test_key)
    await cache.close()
    assert written == [2]
    async with database.transaction() as session:
        key = await session.get(ApiKey, key_id)
    assert key is not None
    assert key.last_used_at is not None
    cache.forget_all()
    await cache.find(account.key)
    assert cache._used == {}, "it was used a moment ago, as its row says"


async def test_many_processes_write_one_use_a_minute(account: Account, database: Database) -> None:
    key_id = (await service.authenticate(database, account.key)).key_id
    assert key_id is not None
    seen = []
    for ip in ("203.0.113.1", "203.0.113.2"):
        await queries.touch_keys(database, [key_id], [ip])
        seen += await database.fetch("select last_used_at, last_used_ip from api_keys where id = $1", key_id)
    assert seen[0] == seen[1]
