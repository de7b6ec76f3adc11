"""Credits over HTTP."""

from fastapi import APIRouter

from app.accounts.caller import CALLER_PROBLEMS, CreditsReader
from app.core.db import DbSession
from app.core.dependencies import SettingsDep
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.ledger import service
from app.ledger.models import CreditAccount
from app.ledger.schemas import CreditsRead, TransactionRead

router = APIRouter(prefix="/v1/credits", tags=["credits"])


@router.get("", response_model=CreditsRead, operation_id="get_credits", responses=problems(*CALLER_PROBLEMS))
async def get_credits(caller: CreditsReader, session: DbSession, settings: SettingsDep) -> CreditAccount:
    """Read the workspace's balance."""
    return await service.get_account(session, settings, workspace_id=caller.workspace_id, mode=caller.mode)


@router.get(
    "/transactions",
    response_model=Page[TransactionRead],
    operation_id="list_credit_transactions",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_credit_transactions(
    caller: CreditsReader, page: PageParams, session: DbSession
) -> Page[TransactionRead]:
    """List every movement of the workspace's credits, newest first."""
    rows, cursor = await service.list_transfers(session, caller, page)
    return Page(data=[TransactionRead.of(row) for row in rows], next_cursor=cursor)
