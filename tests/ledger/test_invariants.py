"""Each invariant notices its breach, whatever guard was taken away for it to happen."""

from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.amounts import MICRO
from app.core.db import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.ledger import service
from app.ledger.verify import verify
from tests.conftest import Account

TRANSFER = """
    insert into credit_transfers (id, workspace_id, mode, entry, kind, debit, credit, amount, balance_before,
                                  balance_after, reason, task_id, reference, created_at)
    select gen_random_uuid(), workspace_id, mode, entries + 1, {kind}, {debit}, {credit}, {amount}, {before}, {after},
           'test', :task, {reference}, now()
    from credit_accounts where workspace_id = :workspace and mode = 'live'
"""
CAPTURE = {"kind": "'capture'", "debit": "'customer'", "credit": "'usage'", "amount": "1", "before": "1", "after": "0"}
STRAY = TRANSFER.format(**CAPTURE, reference="'nobody''s'")
NOTHING = TRANSFER.format(**CAPTURE | {"amount": "0", "after": "1"}, reference="'nothing'")
AGAIN = TRANSFER.format(**CAPTURE, reference="(select id::text from credit_holds where task_id = :task)")
REFUND = TRANSFER.format(
    **CAPTURE
    | {"kind": "'refund'", "debit": "'usage'", "credit": "'customer'", "amount": "9000000", "before": "-9000000"},
    reference="'refund'",
)
UNGUARDED = tuple(
    f"alter table {table} disable trigger all" for table in ("credit_holds", "credit_transfers", "credit_grants")
)
UNCHECKED = "alter table credit_holds drop constraint ck_credit_holds_parts"
OF_TASK = "where task_id = :task"
OF_WORKSPACE = "where workspace_id = :workspace and mode = 'live'"

BREACHES = [
    ("I1", ("alter table credit_transfers drop constraint ck_credit_transfers_amount", NOTHING)),
    (
        "I2",
        (
            "alter table credit_accounts drop constraint ck_credit_accounts_balance",
            f"update credit_accounts set balance = -1 {OF_WORKSPACE}",
        ),
    ),
    ("I3", (*UNGUARDED, f"update credit_holds set status = 'released', captured = 0 {OF_TASK}")),
    ("I3", (*UNGUARDED, f"delete from credit_transfers {OF_TASK}")),
    ("I3", ("alter table credit_transfers drop constraint uq_credit_transfers_reference_kind", AGAIN)),
    ("I3", (*UNGUARDED, f"update credit_transfers set task_id = gen_random_uuid() {OF_TASK}")),
    ("I4", (STRAY,)),
    ("I4", (*UNGUARDED, f"update credit_holds set captured = captured - 1 {OF_TASK}")),
    ("I5", (f"update credit_accounts set balance = balance + 1 {OF_WORKSPACE}",)),
    ("I5", (f"update credit_accounts set balance = balance - 1, held = held + 1 {OF_WORKSPACE}",)),
    ("I5", (f"update credit_accounts set total_spent = total_spent + 1 {OF_WORKSPACE}",)),
    ("I6", (*UNGUARDED, f"delete from credit_transfers {OF_WORKSPACE} and entry = 1")),
    *(
        ("I6", (f"drop trigger {table}_{name} on {table}",))
        for table, names in {
            "credit_transfers": ("append_only", "no_truncate"),
            "credit_holds": ("resolve_once", "no_delete", "no_truncate"),
            "credit_grants": ("keep_terms", "no_delete", "no_truncate"),
        }.items()
        for name in names
    ),
    ("I6", ("alter table credit_holds enable trigger credit_holds_no_delete",)),
    (
        "I7",
        (
            "insert into credit_holds (id, workspace_id, mode, task_id, amount, captured, status, created_at) "
            "values (gen_random_uuid(), :workspace, 'live', gen_random_uuid(), 0, 0, 'open', now())",
        ),
    ),
    ("I8", (REFUND,)),
    ("I8", (f"update credit_holds set refunded = refunded + 1 {OF_TASK}",)),
    ("I9", (f"update credit_grants set remaining = remaining - 1 {OF_WORKSPACE}",)),
    ("I9", (f"update credit_grants set remaining = remaining - 1, expired = expired + 1 {OF_WORKSPACE}",)),
    ("I9", (*UNGUARDED, f"update credit_grants set amount = amount + 1, remaining = remaining + 1 {OF_WORKSPACE}")),
    ("I9", (*UNGUARDED, f"delete from credit_grants {OF_WORKSPACE}")),
    ("I9", (*UNGUARDED, f"update credit_grants set reference = 'another' {OF_WORKSPACE}")),
    ("I9", (f"update credit_grants set expires_at = now() {OF_WORKSPACE}",)),
    ("I9", (*UNGUARDED, UNCHECKED, f"update credit_holds set grant_amounts = array[1, 2] {OF_TASK}")),
    ("I9", (*UNGUARDED, f"update credit_holds set grant_ids = array[gen_random_uuid()] {OF_TASK}")),
    ("I9", (*UNGUARDED, f"update credit_holds set mode = 'test' {OF_TASK}")),
]


class _Undone(Exception):
    """So that the breach is not kept."""


async def _captured(session: AsyncSession, settings: Settings, workspace_id: UUID) -> UUID:
    task_id = new_id()
    await service.hold(session, settings, 2 * MICRO, workspace_id=workspace_id, mode="live", task_id=task_id)
    await service.capture(session, task_id, MICRO, reason="test")
    return task_id


@pytest.mark.parametrize(("invariant", "statements"), BREACHES)
async def test_a_breach_is_noticed(
    account: Account, settings: Settings, database: Database, invariant: str, statements: tuple[str, ...]
) -> None:
    with suppress(_Undone):
        async with database.transaction() as session:
            task_id = await _captured(session, settings, account.workspace_id)
            before = await verify(session)
            for statement in statements:
                names = {"task": task_id, "workspace": account.workspace_id}
                known = {name: value for name, value in names.items() if f":{name}" in statement}
                await session.execute(text(statement), known)
            after = await verify(session)
            raise _Undone
    assert invariant in {breach.invariant for breach in after if breach not in before}
