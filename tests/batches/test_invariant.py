"""`ledger verify` notices when a batch does not count its tasks, or has not told its end once (I10)."""

from contextlib import suppress

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.core.ids import decode
from app.ledger.verify import verify
from tests.batches.ordering import order, prompts
from tests.conftest import Account

BREACHES = [
    "update batches set open = open - 1, succeeded = succeeded + 1 where id = :batch",
    "update batches set held = held + 1 where id = :batch",
    "update batches set charged = 1 where id = :batch",
    "delete from batch_items where batch_id = :batch and index = 0",
    "alter table tasks disable trigger tasks_count_in_batch; "
    "update tasks set status = 'canceled' where batch_id = :batch and batch_index = 0",
    "update batches set is_told = true where id = :batch",
    "insert into events (id, workspace_id, mode, type, batch_id, data, created_at) "
    "select new_id(), workspace_id, mode, 'batch.completed', id, '{}', now() from batches where id = :batch",
]


class _Undone(Exception):
    """So that the breach is not kept."""


@pytest.mark.parametrize("statements", BREACHES)
async def test_a_breach_is_noticed(account: Account, database: Database, statements: str) -> None:
    batch = await order(account.test, prompts("a", "b", "sandbox:nope"))
    batch_id = decode("batch", batch["id"])
    with suppress(_Undone):
        async with database.transaction() as session:
            assert await verify(session) == []
            for statement in statements.split("; "):
                values = {"batch": batch_id} if ":batch" in statement else {}
                await session.execute(text(statement), values)
            assert "I10" in {breach.invariant for breach in await verify(session)}
            raise _Undone
    await account.test.post(f"/v1/batches/{batch['id']}/cancel")


async def test_the_database_refuses_counts_that_do_not_add_up(account: Account, database: Database) -> None:
    batch = await order(account.test, prompts("a", "b"))
    for change in ("open = open - 1", "total = total + 1", "open = 0, canceled = 2", "completed_at = now()"):
        with pytest.raises(Exception, match="ck_batches_"):
            await database.fetch(f"update batches set {change} where id = $1", decode("batch", batch["id"]))
    await account.test.post(f"/v1/batches/{batch['id']}/cancel")
