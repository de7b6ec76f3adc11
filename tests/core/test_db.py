"""The two ways to the database: when it goes away, and how it is asked."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core import queue
from app.core.db import Database
from app.core.settings import Settings

FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
GOODBYE = b"E" + (4 + len(FIELDS)).to_bytes(4) + FIELDS


class Dying:
    """A way to the database on which the server's last words can be heard, and then nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._clients: list[asyncio.StreamWriter] = []
        self._copying: set[asyncio.Task[None]] = set()

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(self._host, self._port)
        self._clients.append(writer)
        for pair in ((reader, ours), (theirs, writer)):
            copying = asyncio.create_task(self._copy(*pair))
            self._copying.add(copying)
            copying.add_done_callback(self._copying.discard)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def say_goodbye(self) -> None:
        for client in self._clients:
            client.write(GOODBYE)
            await client.drain()
        self._clients.clear()
        await asyncio.sleep(0.1)


@pytest.fixture
async def dying(settings: Settings) -> AsyncIterator[tuple[Database, Dying]]:
    parts = urlsplit(settings.database.url.get_secret_value())
    way = Dying(parts.hostname or "", parts.port or 5432)
    server = await asyncio.start_server(way.join, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    url = urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{port}"))
    asked = settings.database.model_copy(update={"url": SecretStr(url), "pool_size": 1})
    redis = queue.connect(settings)
    database = Database(settings.model_copy(update={"database": asked}), redis)
    yield database, way
    await database.close()
    await redis.aclose(close_connection_pool=True)
    server.close()


async def test_a_server_that_says_goodbye_is_one_that_is_away(dying: tuple[Database, Dying]) -> None:
    database, way = dying
    assert (await database.fetch("select 1 as one"))[0]["one"] == 1
    await way.say_goodbye()
    with pytest.raises(asyncpg.PostgresConnectionError):
        await database.fetch("select 1")
    assert await database.fetchrow("select 1 as one") == (1,)
    await way.say_goodbye()
    with pytest.raises(asyncpg.PostgresConnectionError):
        await database.fetchrow("select 1")


async def test_a_transaction_finds_another_way_when_the_server_said_goodbye(dying: tuple[Database, Dying]) -> None:
    database, way = dying
    async with database.transaction() as session:
        await session.execute(text("select 1"))
    await way.say_goodbye()
    async with database.transaction() as session:
        assert (await session.execute(text("select 1"))).scalar_one() == 1


async def test_what_is_cut_off_in_a_transaction_is_known_as_such(dying: tuple[Database, Dying]) -> None:
    database, way = dying
    async with database.engine.connect() as connection:
        await connection.execute(text("select 1"))
        await way.say_goodbye()
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(text("select 1"))
    assert caught.value.connection_invalidated


async def test_a_plan_made_while_a_table_was_empty_does_not_read_all_of_it_later(database: Database) -> None:
    await database.fetch("create table filling (id int primary key)")
    try:
        await database.fetch("vacuum analyze filling")
        plan = await database.fetch("explain select * from filling where id = 1")
        assert "filling_pkey" in str(plan)
    finally:
        await database.fetch("drop table filling")
