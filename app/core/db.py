"""The database: engine, tables' base, and the unit of work that commits before the answer leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from arq.connections import ArqRedis
from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.core import queue
from app.core.settings import Settings


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


def make_engine(settings: Settings) -> AsyncEngine:
    timeout = int(settings.database.statement_timeout_seconds * 1000)
    return create_async_engine(
        settings.database.async_url,
        pool_size=settings.database.pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,  # what customers wrote stays out of the logs of failed statements
        connect_args={
            "timeout": 5,
            "server_settings": {
                "statement_timeout": str(timeout),
                "idle_in_transaction_session_timeout": "60000",
                "application_name": "backlot",
            },
        },
    )


class Database:
    """The engine and its transactions; one per process."""

    def __init__(self, settings: Settings, redis: ArqRedis) -> None:
        self.engine = make_engine(settings)
        self._redis = redis
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back on an exception; its wake-ups go out after the commit."""
        async with self._sessions() as session:
            async with session.begin():
                yield session
            outbox = session.info.pop("outbox", [])
        if outbox:
            await queue.send(self._redis, outbox)

    async def check(self) -> None:
        """Raises what the driver raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("select 1")

    async def close(self) -> None:
        await self.engine.dispose()


async def _request_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


# scope="function": the commit happens before the response is sent, so a failed commit is seen as a failure.
DbSession = Annotated[AsyncSession, Depends(_request_session, scope="function")]


def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]
