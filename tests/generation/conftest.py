"""Tasks on a scripted provider, advanced by hand: no queue, no luck."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.accounts.schemas import CallerInfo
from app.assets.tools import AssetTools
from app.core.amounts import MICRO, to_number
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.generation import advance, reading, service
from app.generation.advance import Engine
from app.generation.intake import Intake
from app.generation.models import Task
from app.generation.schemas import TaskCreate, TaskRead
from app.ledger.models import Price
from app.ledger.service import get_account
from app.providers.catalog import Catalog
from tests.conftest import Account
from tests.generation.scripted import Scripted


@pytest.fixture(scope="session")
async def tools(settings: Settings) -> AsyncIterator[AssetTools]:
    tools = await AssetTools.open(settings)
    yield tools
    await tools.close()


def parsed(shown: dict[str, Any]) -> TaskRead:
    """What the wire says, as the documented schema has it: amounts in millionths."""
    amounts = {name: round(amount * MICRO) for name, amount in shown["credits"].items()}
    balance = round(shown["balance"] * MICRO)
    return TaskRead.model_validate({**shown, "credits": amounts, "balance": balance})


@dataclass
class Stage:
    """One customer, scripted providers, and a worker moved by hand."""

    account: Account
    caller: CallerInfo
    engine: Engine
    intake: Intake
    first: Scripted
    second: Scripted

    @property
    def database(self) -> Database:
        return self.engine.database

    async def order(self, operation: str = "upscale", **fields: Any) -> UUID:
        """An order no worker hears of: `advance` moves it."""
        values = {"image": await self.account.upload()} | ({"preset": "studio-white"} if "replace" in operation else {})
        order = TaskCreate.model_validate({"operation": operation, "input": values | fields.pop("input", {}), **fields})
        return (await self.intake.order(self.caller, order, None)).task_id

    async def advance(self, task_id: UUID) -> TaskRead:
        """One look at the task, due or not."""
        await self.make_due(task_id)
        await advance.advance_task(self.engine, task_id)
        return await self.read(task_id)

    async def make_due(self, task_id: UUID) -> None:
        async with self.database.transaction() as session:
            await session.execute(
                text("update tasks set wake_at = now() - interval '1 s' where id = :id"), {"id": task_id}
            )

    async def leave(self, task_id: UUID, *, seconds: int) -> None:
        """Move the deadline: so much time is left."""
        async with self.database.transaction() as session:
            await session.execute(
                text("update tasks set deadline_at = now() + make_interval(secs => :seconds) where id = :id"),
                {"id": task_id, "seconds": seconds},
            )

    async def row(self, task_id: UUID) -> Task:
        async with self.database.transaction() as session:
            return await service.get_task(session, self.caller, task_id)

    async def read(self, task_id: UUID) -> TaskRead:
        async with self.database.transaction() as session:
            task = await service.get_task(session, self.caller, task_id)
            return parsed(await reading.read(session, self.engine.assets, task))

    async def credits(self) -> tuple[float, float, float]:
        """Balance, held, spent."""
        async with self.database.transaction() as session:
            row = await get_account(
                session, self.engine.settings, workspace_id=self.caller.workspace_id, mode=self.caller.mode
            )
        return to_number(row.balance), to_number(row.held), to_number(row.total_spent)

    async def events(self, task_id: UUID) -> list[str]:
        async with self.database.transaction() as session:
            rows = await session.execute(
                text("select type from events where task_id = :id order by position"), {"id": task_id}
            )
            return list(rows.scalars())

    def with_settings(self, **tasks: Any) -> Engine:
        settings = self.engine.settings
        changed = settings.model_copy(update={"tasks": settings.tasks.model_copy(update=tasks)})
        return replace(self.engine, settings=changed)


async def forget_breakers(database: Database) -> None:
    """What other tests' scripts have failed at, and where they wait."""
    for names in ("backlot:breaker:*", "backlot:turns:*"):
        if found := await database.redis.keys(names):
            await database.redis.delete(*found)


@pytest.fixture
async def stage(account: Account, settings: Settings, database: Database, tools: AssetTools) -> Stage:
    first, second = Scripted("scripted"), Scripted("second")
    await forget_breakers(database)
    catalog = Catalog({"scripted": first, "second": second}, ["scripted", "second"])
    async with database.transaction() as session:
        for provider in catalog.providers:
            for operation in ("upscale", "replace_background"):
                await session.merge(Price(operation=operation, provider=provider, model="*", amount=1_000_000))
    caller = CallerInfo(
        workspace_id=account.workspace_id, user_id=new_id(), key_id=new_id(), mode="live", scopes=frozenset()
    )
    intake = Intake(settings, database, catalog, tools)
    return Stage(account, caller, Engine(settings, database, catalog, tools), intake, first, second)
