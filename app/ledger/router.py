"""Credits over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from app.accounts.audit.service import Actor
from app.accounts.caller import CALLER_PROBLEMS, CreditsKeeper, CreditsReader
from app.core import clock
from app.core.db import DatabaseDep, DbSession
from app.core.dependencies import SettingsDep
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.visitor import VisitorDep
from app.core.wire import Moment
from app.ledger import service, statement
from app.ledger.models import CreditAccount
from app.ledger.queries import Period
from app.ledger.schemas import (
    STATEMENT_EXAMPLE,
    CreditsRead,
    CreditsSettings,
    CreditsUpdate,
    GrantRead,
    TransactionRead,
)

router = APIRouter(prefix="/v1/credits", tags=["credits"])
STATEMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The statement: a header line, then one line for each movement (RFC 4180).",
        "headers": {
            "Content-Disposition": {
                "description": "A file name, with the mode and today's date.",
                "schema": {"type": "string"},
            }
        },
        "content": {"text/csv": {"schema": {"type": "string"}, "example": STATEMENT_EXAMPLE}},
    }
}


@router.get("", response_model=CreditsRead, operation_id="get_credits", responses=problems(*CALLER_PROBLEMS))
async def get_credits(caller: CreditsReader, session: DbSession, settings: SettingsDep) -> CreditAccount:
    """Read the workspace's balance."""
    return await service.get_account(session, settings, workspace_id=caller.workspace_id, mode=caller.mode)


@router.patch(
    "",
    response_model=CreditsSettings,
    operation_id="update_credits",
    responses=problems(*CALLER_PROBLEMS),
)
async def update_credits(
    change: CreditsUpdate, caller: CreditsKeeper, visitor: VisitorDep, session: DbSession, settings: SettingsDep
) -> CreditAccount:
    """Say when the workspace is to be told that its credits run low."""
    return await service.set_low_mark(session, settings, caller, Actor.of(caller, visitor), change.low_mark)


@router.get(
    "/grants",
    response_model=Page[GrantRead],
    operation_id="list_credit_grants",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_credit_grants(
    caller: CreditsReader, page: PageParams, session: DbSession, settings: SettingsDep
) -> Page[GrantRead]:
    """List what the balance is made of: the grants and purchases with something left, newest first.

    Tasks use up the lowest priority first, then what expires soonest, then the oldest.
    """
    rows, cursor = await service.list_grants(session, settings, caller, page)
    return Page(data=[GrantRead.model_validate(row) for row in rows], next_cursor=cursor)


def _period(
    created_after: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    created_before: Annotated[Moment | None, Query(description="Until just before this moment.")] = None,
) -> Period:
    return Period(created_after, created_before)


PeriodParams = Annotated[Period, Depends(_period)]


@router.get(
    "/transactions",
    response_model=Page[TransactionRead],
    operation_id="list_credit_transactions",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_credit_transactions(
    caller: CreditsReader, page: PageParams, period: PeriodParams, session: DbSession
) -> Page[TransactionRead]:
    """List every movement of the workspace's credits, newest first."""
    rows, cursor = await service.list_transfers(session, caller, page, period)
    return Page(data=[TransactionRead.of(row) for row in rows], next_cursor=cursor)


@router.get(
    "/transactions.csv",
    operation_id="export_credit_transactions",
    response_class=StreamingResponse,
    responses=problems(*CALLER_PROBLEMS) | STATEMENT,
)
async def export_credit_transactions(
    caller: CreditsReader, period: PeriodParams, database: DatabaseDep
) -> StreamingResponse:
    """Download every movement of the workspace's credits as CSV, newest first.

    Amounts are exact decimals, times are UTC. A reason that a spreadsheet would take for a formula begins with `'`.
    """
    return StreamingResponse(
        await statement.open_statement(database, caller, period),
        media_type="text/csv; charset=utf-8; header=present",
        headers={
            "Content-Disposition": f'attachment; filename="credits-{caller.mode}-{clock.now():%Y-%m-%d}.csv"',
            "Cache-Control": "private, no-store",
        },
    )
