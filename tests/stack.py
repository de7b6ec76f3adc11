"""The servers behind the tests: started once, with one migrated database that every test process clones."""

import asyncio
import os
from contextlib import ExitStack
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from scripts import throwaway

EXITS = pytest.StashKey[ExitStack]()
_URLS = pytest.StashKey[dict[str, str]]()
TEMPLATE = "backlot_template"


def with_path(url: str, path: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


async def _create(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for part in statement.split(";"):
            await connection.execute(part)
    finally:
        await connection.close()


def shared_urls(config: pytest.Config) -> dict[str, str]:
    """The servers' URLs; they start when first asked for, or are those of BACKLOT_TEST_DATABASE_URL and …REDIS_URL."""
    if _URLS not in config.stash:
        database, redis = os.environ.get("BACKLOT_TEST_DATABASE_URL"), os.environ.get("BACKLOT_TEST_REDIS_URL")
        if not (database and redis):
            database, redis = config.stash[EXITS].enter_context(throwaway.stack())
        template = with_path(database, TEMPLATE)
        asyncio.run(_create(database, f"drop database if exists {TEMPLATE}; create database {TEMPLATE}"))
        migrations = Config(str(config.rootpath / "alembic.ini"))
        migrations.attributes["database_url"] = template.replace("postgresql://", "postgresql+asyncpg://")
        command.upgrade(migrations, "head")
        config.stash[_URLS] = {"database": database, "redis": redis}
    return config.stash[_URLS]


def clone(url: str, name: str) -> str:
    """A database of its own for one test process."""
    asyncio.run(
        _create(url, f"drop database if exists {name} with (force); create database {name} template {TEMPLATE}")
    )
    return with_path(url, name)
