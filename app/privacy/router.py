"""A user's own data over HTTP: take it along, have it erased."""

from datetime import timedelta

from fastapi import APIRouter

from app.accounts.audit.service import Actor
from app.accounts.caller import LEAVING_PROBLEMS, ConfirmedOrLeaving, SignedInOrLeaving
from app.accounts.errors import ConfirmationRequired, EmailUnverified
from app.accounts.workspaces.errors import LastOwner
from app.assets.tools import AssetToolsDep
from app.core.db import DatabaseDep, DbSession
from app.core.dependencies import SettingsDep
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.visitor import VisitorDep
from app.privacy.erasure import service as erasure
from app.privacy.errors import AdminsStay, DeletionBegun, DeletionNotScheduled
from app.privacy.export import service as exports
from app.privacy.schemas import DeletionOrder, DeletionRead, ExportRead

router = APIRouter(prefix="/v1/me", tags=["privacy"])


@router.delete(
    "",
    status_code=202,
    response_model=DeletionRead,
    operation_id="delete_me",
    responses=problems(ConfirmationRequired, *LEAVING_PROBLEMS, AdminsStay, LastOwner),
)
async def delete_me(
    order: DeletionOrder, caller: ConfirmedOrLeaving, visitor: VisitorDep, settings: SettingsDep, database: DatabaseDep
) -> DeletionRead:
    """Delete your account when the grace is over: you are signed out, and it is locked until then."""
    actor, grace = Actor.of(caller, visitor), timedelta(seconds=settings.privacy.grace_seconds)
    async with database.transaction() as session:
        user = await erasure.schedule(session, caller.user_id, actor, grace=grace, confirm=order.confirm)
    await erasure.cancel_tasks(database, caller.user_id)  # what is not done here is done by the clock
    return DeletionRead(id=user.id, erase_at=user.erase_at)


@router.post(
    "/restore",
    response_model=DeletionRead,
    operation_id="restore_me",
    responses=problems(*LEAVING_PROBLEMS, DeletionNotScheduled, DeletionBegun),
)
async def restore_me(caller: SignedInOrLeaving, visitor: VisitorDep, session: DbSession) -> DeletionRead:
    """Take the deletion of your account back."""
    user = await erasure.restore(session, caller.user_id, Actor.of(caller, visitor))
    return DeletionRead(id=user.id, erase_at=user.erase_at)


@router.post(
    "/export",
    status_code=202,
    response_model=ExportRead,
    operation_id="create_export",
    responses=problems(ConfirmationRequired, *LEAVING_PROBLEMS, EmailUnverified),
)
async def create_export(
    caller: ConfirmedOrLeaving, visitor: VisitorDep, tools: AssetToolsDep, session: DbSession
) -> ExportRead:
    """Have an archive made of all that is kept of you: a mail tells when it is ready.

    While one is being made, that one is answered with. It holds what was sent to your address, so that has to be
    verified.
    """
    if not caller.is_verified:
        raise EmailUnverified
    export = await exports.ask(session, caller.user_id, Actor.of(caller, visitor))
    return exports.read_model(tools.storage, export)


@router.get(
    "/export",
    response_model=Page[ExportRead],
    operation_id="list_exports",
    responses=problems(*LEAVING_PROBLEMS, InvalidCursor),
)
async def list_exports(
    caller: SignedInOrLeaving, page: PageParams, tools: AssetToolsDep, session: DbSession
) -> Page[ExportRead]:
    """List your archives, newest first, with fresh links to those that are ready."""
    found, cursor = await exports.list_exports(session, caller.user_id, page)
    return Page(data=[exports.read_model(tools.storage, export) for export in found], next_cursor=cursor)
