"""The database: engine, tables' base, the unit of work that commits before the answer leaves, and the direct way.

Hot paths go straight through asyncpg, one statement at a time (docs/decisions/0005); the rest through SQLAlchemy.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from operator import itemgetter
from typing import Annotated, Any

import asyncpg
from arq.connections import ArqRedis
from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.core import queue
from app.core.ringer import Ringer
from app.core.settings import Settings

UNREACHABLE = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What either way raises when the database fails us, whatever it may have done before."""


class Base(DeclarativeBase):
    """Every table. Constraints are named, so that migrations can name them too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}


def _server_settings(settings: Settings) -> dict[str, str]:
    return {
        "statement_timeout": str(int(settings.database.statement_timeout_seconds * 1000)),
        "idle_in_transaction_session_timeout": "60000",
        "application_name": "backlot",
        "jit": "off",  # short statements: compiling them takes longer than they do
    }


DIRECT_PLANS = {"enable_seqscan": "off"}
"""Statements of the direct way find their rows by an index. A plan that was made while a table was empty would read
the whole table, and is kept for as long as the connection: at 10,000 rows each order took five times as long."""


def make_engine(settings: Settings) -> AsyncEngine:
    return create_async_engine(
        settings.database.async_url,
        pool_size=settings.database.pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,  # what customers wrote stays out of the logs of failed statements
        connect_args={
            "timeout": 5,
            "server_settings": _server_settings(settings),
        },
    )


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    def get_reset_query(self) -> str:
        """Nothing: the direct way leaves no state behind, and a round trip for each statement is not free."""
        return ""


# A server that goes away says so, and closes the connection a moment later. What is to be sent in between asyncpg takes
# for an error of its own: the connection is in no state to send.
def _farewell(fault: asyncpg.InternalClientError) -> asyncpg.PostgresConnectionError:
    return asyncpg.ConnectionDoesNotExistError(f"The server is closing the connection ({fault}).")


class Database:
    """The engine and its transactions, and a pool for single statements; one per process."""

    def __init__(self, settings: Settings, redis: ArqRedis) -> None:
        self.engine = make_engine(settings)
        self._settings = settings
        self.redis = redis
        self.ringer = Ringer(redis)
        self._direct: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back on an exception; its wake-ups go out after the commit.

        What was noted as `session.info["last"]` (a name to order by, a statement, its values) is done after all else,
        before the commit: locks that many want are then held for the shortest time, and taken in one order.
        """
        async with self._sessions() as session:
            async with session.begin():
                yield session
                for _, statement, values in sorted(session.info.pop("last", ()), key=itemgetter(0)):
                    await session.execute(statement, values)
            outbox = session.info.pop("outbox", [])
        if outbox:
            await queue.send(self.redis, outbox)

    async def fetch(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        """One statement straight through asyncpg, in a transaction of its own; `jsonb` is text both ways.

        Raises asyncpg.PostgresError, asyncpg.InterfaceError or OSError.
        """
        pool = self._direct or await self._open_direct()
        try:
            rows: list[asyncpg.Record] = await pool.fetch(statement, *args)
        except asyncpg.InternalClientError as fault:
            raise _farewell(fault) from fault
        return rows

    async def fetchrow(self, statement: str, *args: Any) -> asyncpg.Record | None:
        """The first row of `fetch`."""
        pool = self._direct or await self._open_direct()
        try:
            return await pool.fetchrow(statement, *args)
        except asyncpg.InternalClientError as fault:
            raise _farewell(fault) from fault

    async def _open_direct(self) -> asyncpg.Pool:
        async with self._opening:
            if self._direct is None:
                self._direct = await asyncpg.create_pool(
                    self._settings.database.plain_url,
                    min_size=0,
                    max_size=self._settings.database.pool_size,
                    connection_class=_Connection,
                    timeout=5,
                    server_settings=_server_settings(self._settings) | DIRECT_PLANS,
                )
            return self._direct

    async def check(self) -> None:
        """Raises what the driver raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("select 1")

    async def close(self) -> None:
        await self.ringer.close()
        await self.engine.dispose()
        if self._direct is not None:
            await self._direct.close()


async def _request_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


# scope="function": the commit happens before the response is sent, so a failed commit is seen as a failure.
DbSession = Annotated[AsyncSession, Depends(_request_session, scope="function")]


async def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]
