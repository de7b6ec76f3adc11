"""An account of the ledger for tests: each call a transaction of its own, amounts in whole credits."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.amounts import MICRO
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.ledger import service

T = TypeVar("T")

# To let time pass for one account, all that will expire comes nearer.
PASS = (
    "update credit_grants set expires_at = expires_at - cast(:delta as interval) where workspace_id = :workspace",
    "update credit_accounts set next_expiry_at = next_expiry_at - cast(:delta as interval) "
    "where workspace_id = :workspace",
)


class Purse:
    """The live account of a workspace, which opens with ten credits."""

    def __init__(self, database: Database, settings: Settings, workspace_id: UUID | None = None) -> None:
        self.database, self.settings, self.workspace_id = database, settings, workspace_id or new_id()

    @property
    def where(self) -> dict[str, Any]:
        return {"workspace_id": self.workspace_id, "mode": "live"}

    async def do(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with self.database.transaction() as session:
            return await work(session)

    async def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Of a statement with `:workspace` in it."""
        values["workspace"] = self.workspace_id
        result = await self.do(lambda session: session.execute(text(statement), values))
        return [tuple(row) for row in result] if result.returns_rows else []

    async def grant(self, amount: int, reference: str | None = None, *, reason: str = "test", **terms: Any) -> bool:
        reference = reference or str(new_id())
        return await self.do(
            lambda session: service.grant(
                session,
                self.settings,
                amount * MICRO,
                reason=reason,
                reference=reference,
                **(self.where | terms),
            )
        )

    async def hold(self, amount: int, task_id: UUID) -> None:
        await self.do(
            lambda session: service.hold(session, self.settings, amount * MICRO, task_id=task_id, **self.where)
        )

    async def capture(self, amount: int, task_id: UUID) -> None:
        await self.do(lambda session: service.capture(session, task_id, amount * MICRO, reason="test"))

    async def release(self, task_id: UUID) -> None:
        await self.do(lambda session: service.release(session, task_id))

    async def refund(self, task_id: UUID, amount: int | None = None, reference: str | None = None) -> int:
        micro, reference = None if amount is None else amount * MICRO, reference or str(new_id())
        balance = await self.do(
            lambda session: service.refund(session, task_id, micro, reason="test", reference=reference)
        )
        return balance // MICRO

    async def pass_time(self, delta: timedelta) -> None:
        for statement in PASS:
            await self.rows(statement, delta=delta)

    async def held(self) -> list[UUID]:
        """The tasks with open holds."""
        query = "select task_id from credit_holds where workspace_id = :workspace and status = 'open'"
        return [row[0] for row in await self.rows(query)]

    async def state(self) -> tuple[int, ...]:
        """Balance, held, earned, spent."""
        row = await self.do(lambda session: service.get_account(session, self.settings, **self.where))
        return tuple(value // MICRO for value in (row.balance, row.held, row.total_earned, row.total_spent))

    async def remaining(self) -> list[int]:
        """Of each grant, the oldest first."""
        query = "select remaining from credit_grants where workspace_id = :workspace order by created_at, id"
        return [row[0] // MICRO for row in await self.rows(query)]
