"""A customer who wants to be told, and an empty outbox of mails."""

from collections.abc import AsyncIterator

import pytest

from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.settings import Settings
from tests.conftest import Account
from tests.mail.conftest import outbox
from tests.webhooks.receiver import Receiver, receiver
from tests.webhooks.scene import Scene

__all__ = ["outbox"]


@pytest.fixture
async def scene(settings: Settings, database: Database, account: Account) -> AsyncIterator[Scene]:
    tools = await AssetTools.open(settings)
    made = Scene(settings, database, account, tools)
    await made.clear()
    yield made
    await made.close()
    await tools.close()


@pytest.fixture
async def shop() -> AsyncIterator[Receiver]:
    """A server that takes what it is sent."""
    async with receiver() as made:
        yield made
