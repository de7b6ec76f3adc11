"""The history of an account as CSV (RFC 4180), for spreadsheets and bookkeeping."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

from app.accounts.schemas import CallerInfo
from app.core.amounts import to_text
from app.core.db import Database
from app.core.ids import encode
from app.core.paging import PageRequest, Position
from app.ledger import queries
from app.ledger.models import Book, CreditTransfer
from app.ledger.queries import Period

COLUMNS = ("id", "created_at", "kind", "amount", "balance_before", "balance_after", "reason", "task_id")
ROWS_AT_ONCE = 500
# Spreadsheets take a text that begins so for a formula, and run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


async def open_statement(database: Database, caller: CallerInfo, period: Period) -> AsyncIterator[bytes]:
    """The lines, newest first, a few hundred at a time; what failed at once is raised here and not in mid-stream.

    Each page is a query of its own: no transaction waits for a slow reader, and entries added meanwhile are newer than
    all that is still to come.
    """
    first = await _page(database, caller, period, None)

    async def lines() -> AsyncIterator[bytes]:
        yield _csv([COLUMNS])
        rows = first
        while rows:
            yield _csv([_cells(row) for row in rows])
            last = rows[-1]
            rows = await _page(database, caller, period, Position(last.created_at, last.id))

    return lines()


async def _page(
    database: Database, caller: CallerInfo, period: Period, after: Position | None
) -> Sequence[CreditTransfer]:
    async with database.transaction() as session:
        page = PageRequest(ROWS_AT_ONCE, after)
        rows = await queries.list_transfers(session, page, period, workspace_id=caller.workspace_id, mode=caller.mode)
    return rows[:ROWS_AT_ONCE]


def _cells(row: CreditTransfer) -> Sequence[str]:
    return (
        encode("txn", row.id),
        row.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        row.kind,
        to_text(row.amount if row.credit == Book.CUSTOMER else -row.amount),
        to_text(row.balance_before),
        to_text(row.balance_after),
        f"'{row.reason}" if row.reason.startswith(_FORMULA) else row.reason,
        encode("task", row.task_id) if row.task_id else "",
    )


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
