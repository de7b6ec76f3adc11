"""Plans and the queues that follow them."""

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.plans import service
from tests.conftest import Account


async def limits(database: Database, account: Account) -> tuple[int, int]:
    async with database.transaction() as session:
        found = await session.execute(
            text("select slots, room from task_queues where workspace_id = :id"), {"id": account.workspace_id}
        )
        return tuple(found.one())  # type: ignore[return-value]


async def test_queues_follow_the_plan_of_their_workspace(account: Account, database: Database) -> None:
    image = await account.upload()
    await account.live.post("/v1/tasks", json={"operation": "transform_image", "input": {"image": image, "width": 8}})
    assert await limits(database, account) == (20, 10_000)
    async with database.transaction() as session:
        await service.set_plan(session, "tests", running_tasks=3, queued_tasks=30)
        await service.assign_plan(session, account.email.upper(), "tests")
    assert await limits(database, account) == (3, 30)
    async with database.transaction() as session:
        await service.set_plan(session, "tests", running_tasks=4, queued_tasks=40)
    assert await limits(database, account) == (4, 40)


async def test_what_is_not_there_is_named(account: Account, database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(LookupError, match=r"no plan 'gold'; there are .*free, plus, pro"):
            await service.assign_plan(session, account.email, "gold")
        with pytest.raises(LookupError, match=r"nobody@example\.com"):
            await service.assign_plan(session, "nobody@example.com", "free")
