"""Administration over HTTP: for users with the role, who are signed in; never with an API key.

What is hard to undo needs a fresh proof that it is they.
"""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from app.accounts.audit import reading
from app.accounts.audit.router import FiltersDep
from app.accounts.audit.schemas import AuditEntryRead
from app.accounts.audit.service import PLATFORM
from app.accounts.caller import ADMIN_PROBLEMS, Admin, Confirmed
from app.accounts.errors import ConfirmationRequired
from app.accounts.schemas import CallerInfo
from app.admin import checking, service
from app.admin.errors import AccountErased, CheckTooLong, LastAdmin, OwnAccount, UserNotFound
from app.admin.queries import UserFilters
from app.admin.schemas import AdminUserDetail, AdminUserRead, Suspension, VerificationRead
from app.core import conditional
from app.core.db import DatabaseDep, DbSession
from app.core.ids import UserId, WorkspaceId
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.visitor import VisitorDep
from app.core.wire import Text
from app.privacy.erasure import service as erasure
from app.privacy.schemas import DeletionOrder, DeletionRead

router = APIRouter(prefix="/v1/admin", tags=["admin"])

_CHANGE_PROBLEMS = (*ADMIN_PROBLEMS, ConfirmationRequired, UserNotFound)
_STATUS_PROBLEMS = (*_CHANGE_PROBLEMS, OwnAccount, LastAdmin, AccountErased)


async def _confirmed_admin(admin: Admin, caller: Confirmed) -> CallerInfo:
    """An admin who proved again who they are a moment ago."""
    return caller


ConfirmedAdmin = Annotated[CallerInfo, Depends(_confirmed_admin)]


@router.get(
    "/users",
    response_model=Page[AdminUserRead],
    operation_id="list_users",
    responses=problems(*ADMIN_PROBLEMS, InvalidCursor),
)
async def list_users(
    admin: Admin,
    page: PageParams,
    session: DbSession,
    email: Annotated[Text | None, Query(max_length=320, description="A part of the address.")] = None,
    status: Annotated[Literal["active", "suspended", "erased"] | None, Query(description="Only these.")] = None,
    role: Annotated[Literal["user", "admin"] | None, Query(description="Only these.")] = None,
) -> Page[AdminUserRead]:
    """List the users of the installation, newest first."""
    found, cursor = await service.list_users(session, page, UserFilters(email, status, role))
    return Page(data=[AdminUserRead.model_validate(user) for user in found], next_cursor=cursor)


@router.get(
    "/users/{user_id}",
    response_model=AdminUserDetail,
    operation_id="get_user",
    responses=problems(*ADMIN_PROBLEMS, UserNotFound) | {304: {"description": "Not changed."}},
)
async def get_user(user_id: UserId, request: Request, admin: Admin, session: DbSession) -> Response:
    """Read one user."""
    return conditional.answer(request, await service.read_user(session, user_id))


@router.post(
    "/users/{user_id}/suspend",
    response_model=AdminUserRead,
    operation_id="suspend_user",
    responses=problems(*_STATUS_PROBLEMS),
)
async def suspend_user(
    user_id: UserId, order: Suspension, admin: ConfirmedAdmin, visitor: VisitorDep, session: DbSession
) -> AdminUserRead:
    """Suspend a user: sessions and API keys stop within seconds, until they are reinstated."""
    user = await service.suspend(session, user_id, service.acting(admin, visitor), reason=order.reason)
    return AdminUserRead.model_validate(user)


@router.post(
    "/users/{user_id}/reinstate",
    response_model=AdminUserRead,
    operation_id="reinstate_user",
    responses=problems(*_STATUS_PROBLEMS),
)
async def reinstate_user(
    user_id: UserId, admin: ConfirmedAdmin, visitor: VisitorDep, session: DbSession
) -> AdminUserRead:
    """Let a suspended user in again."""
    return AdminUserRead.model_validate(await service.reinstate(session, user_id, service.acting(admin, visitor)))


@router.post(
    "/users/{user_id}/sign-out",
    response_model=AdminUserRead,
    operation_id="sign_out_user",
    responses=problems(*_CHANGE_PROBLEMS),
)
async def sign_out_user(
    user_id: UserId, admin: ConfirmedAdmin, visitor: VisitorDep, session: DbSession
) -> AdminUserRead:
    """End all sessions of a user."""
    return AdminUserRead.model_validate(await service.sign_out(session, user_id, service.acting(admin, visitor)))


@router.delete(
    "/users/{user_id}",
    status_code=202,
    response_model=DeletionRead,
    operation_id="delete_user",
    responses=problems(*_STATUS_PROBLEMS),
)
async def delete_user(
    user_id: UserId, order: DeletionOrder, admin: ConfirmedAdmin, visitor: VisitorDep, database: DatabaseDep
) -> DeletionRead:
    """Erase a user's account for good: at once, but for what is under way. Give its address as confirmation."""
    async with database.transaction() as session:
        user = await service.delete(session, user_id, service.acting(admin, visitor), confirm=order.confirm)
    await erasure.cancel_tasks(database, user_id)
    return DeletionRead(id=user.id, erase_at=user.erase_at)


@router.get(
    "/audit-log",
    response_model=Page[AuditEntryRead],
    operation_id="list_whole_audit_log",
    responses=problems(*ADMIN_PROBLEMS, InvalidCursor),
)
async def list_whole_audit_log(
    admin: Admin,
    page: PageParams,
    filters: FiltersDep,
    session: DbSession,
    workspace: Annotated[WorkspaceId | None, Query(description="Of this workspace only.")] = None,
    platform: Annotated[bool, Query(description="Acts on the installation as a whole only.")] = False,
) -> Page[AuditEntryRead]:
    """List who did what, in all workspaces and to the installation, newest first."""
    asked = replace(filters, workspace_id=PLATFORM if platform else workspace)
    entries, cursor = await reading.list_of_all(session, page, asked)
    return Page(data=entries, next_cursor=cursor)


@router.get(
    "/audit/verify",
    response_model=VerificationRead,
    operation_id="verify_audit_log",
    responses=problems(*ADMIN_PROBLEMS, CheckTooLong),
)
async def verify_audit_log(admin: Admin, database: DatabaseDep) -> VerificationRead:
    """Check that no entry of the audit log was changed or removed."""
    return await checking.verify_audit_log(database)


@router.get(
    "/ledger/verify",
    response_model=VerificationRead,
    operation_id="verify_ledger",
    responses=problems(*ADMIN_PROBLEMS, CheckTooLong),
)
async def verify_ledger(admin: Admin, database: DatabaseDep) -> VerificationRead:
    """Check the invariants of the credit ledger."""
    return await checking.verify_ledger(database)
