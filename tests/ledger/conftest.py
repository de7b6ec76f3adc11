"""A purse for each test that asks."""

from collections.abc import AsyncIterator

import pytest

from app.core.db import Database
from app.core.settings import Settings
from tests.ledger.purse import Purse


@pytest.fixture
async def purse(database: Database, settings: Settings) -> AsyncIterator[Purse]:
    purse = Purse(database, settings)
    yield purse
    for task_id in await purse.held():
        await purse.release(task_id)  # an open hold without a task is a breach, for whoever verifies next
