"""`ledger verify` names the breach, whatever was done to the books behind our back."""

from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.ledger import verify
from tests.generation.conftest import Stage, stage, tools  # noqa: F401  fixtures
from tests.generation.scripted import done

SPOILS = {
    "I2": "alter table credit_accounts drop constraint ck_credit_accounts_balance;"
    "update credit_accounts set balance = -1 where workspace_id = :workspace",
    "I3": "update credit_holds set status = 'released', captured = 0 where task_id = :task",
    "I4": "update credit_holds set captured = captured - 1 where task_id = :task",
    "I4 hold gone": "delete from credit_holds where task_id = :task",
    "I4 hold changed": "alter table credit_holds drop constraint ck_credit_holds_parts;"
    "update credit_holds set amount = amount + 1 where task_id = :task",
    "I5": "update credit_accounts set balance = balance + 1 where workspace_id = :workspace",
    "I6": "delete from credit_transfers where task_id = :task",
    "I7": "update tasks set status = 'processing' where id = :task",
    "I7 charged": "update tasks set status = 'failed' where id = :task",
}


class Undone(Exception):
    """Ends the transaction that spoiled the books."""


async def _guards_off(session: AsyncSession) -> None:
    for table in ("credit_transfers", "credit_holds"):
        await session.execute(text(f"alter table {table} disable trigger user"))


@pytest.mark.parametrize("spoil", SPOILS)
async def test_each_breach_is_named(stage: Stage, database: Database, spoil: str) -> None:  # noqa: F811
    stage.first.script = [done()]
    task_id = await stage.order()
    await stage.advance(task_id)
    values = {"workspace": stage.caller.workspace_id, "task": task_id}
    with suppress(Undone):
        async with database.transaction() as session:
            await _guards_off(session)
            for statement in SPOILS[spoil].split(";"):
                used = {name: value for name, value in values.items() if f":{name}" in statement}
                await session.execute(text(statement), used)
            found = {breach.invariant for breach in await verify.verify(session)}
            assert spoil.split()[0] in found
            raise Undone
    async with database.transaction() as session:
        assert await verify.verify(session) == []
