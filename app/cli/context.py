"""What the commands share: settings, the database they speak to, and keys."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.accounts.keys.schemas import ApiKeyCreate
    from app.core.db import Database
    from app.core.settings import Settings


class CommandFailed(Exception):
    """Ends the command with this one line and exit code 1."""


def read_settings() -> "Settings":
    from app.core.settings import get_settings

    return get_settings()


def is_given(settings: "Settings", group: str, field: str = "url") -> bool:
    """Whether somebody set it, rather than leaving it to the default."""
    return field in getattr(settings, group).model_fields_set


def plain_url(settings: "Settings") -> str:
    """The database's URL as PostgreSQL's own tools take it."""
    return f"postgresql://{settings.database.url.get_secret_value().partition('://')[2]}"


def settings_with_database() -> "Settings":
    """The settings; where no database is set, with the addresses of the stack that runs on the data directory."""
    from app.core.settings import get_settings
    from app.embedded import datadir

    settings = get_settings()
    if is_given(settings, "database"):
        return settings
    stack = datadir.find_running(settings.data)
    if stack is None:
        raise CommandFailed("no database: set BACKLOT_DATABASE_URL, or let `backlot dev` run in this directory")
    os.environ["BACKLOT_DATABASE_URL"] = stack.database_url
    if not is_given(settings, "redis"):
        os.environ["BACKLOT_REDIS_URL"] = stack.redis_url
    get_settings.cache_clear()
    return get_settings()


def own_command() -> list[str]:
    """This command line in a new process; -P keeps the working directory from being imported from."""
    return [sys.executable, "-P", "-m", "app.cli"]


@asynccontextmanager
async def opened(settings: "Settings") -> "AsyncIterator[Database]":
    from app.core import queue
    from app.core.db import Database

    redis = queue.connect(settings)
    database = Database(settings, redis)
    try:
        yield database
    finally:
        await database.close()
        await redis.aclose(close_connection_pool=True)


@asynccontextmanager
async def transaction(settings: "Settings") -> "AsyncIterator[AsyncSession]":
    async with opened(settings) as database, database.transaction() as session:
        yield session


async def issue_key(
    settings: "Settings",
    *,
    email: str,
    mode: Literal["live", "test"],
    name: str,
    scopes: list[str] | None = None,
    is_admin: bool = False,
    order: "ApiKeyCreate | None" = None,
) -> str:
    """The secret of a new key. Raises a Problem that tells why there is none."""
    from app.accounts.keys import service
    from app.admin import service as admins
    from app.generation.operations import OPERATIONS

    async with transaction(settings) as session:
        if is_admin:
            await admins.add_admin(session, email)
        _, secret = await service.issue_key(
            session,
            email=email,
            mode=mode,
            name=name,
            scopes=scopes,
            order=order,
            operations=tuple(OPERATIONS),
        )
    return secret
