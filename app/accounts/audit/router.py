"""The audit log of a workspace over HTTP."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.accounts.audit import reading
from app.accounts.audit.queries import Filters
from app.accounts.audit.schemas import AuditEntryRead
from app.accounts.caller import CALLER_PROBLEMS, requires
from app.accounts.models import Scope
from app.accounts.schemas import CallerInfo
from app.accounts.workspaces.errors import LiveKeyRequired
from app.core.db import DbSession
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.wire import Moment, Text

router = APIRouter(prefix="/v1/audit-log", tags=["audit"])

AuditReader = Annotated[CallerInfo, requires(Scope.AUDIT_READ)]


def _filters(
    action: Annotated[
        Text | None, Query(max_length=100, description="What was done.", examples=["password.changed"])
    ] = None,
    actor: Annotated[Text | None, Query(max_length=100, description="By whom: a user's or an API key's id.")] = None,
    target: Annotated[Text | None, Query(max_length=100, description="To what: the id of anything.")] = None,
    created_after: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    created_before: Annotated[Moment | None, Query(description="Until before this moment.")] = None,
) -> Filters:
    return Filters(
        action=action,
        actor=reading.parse_id(actor, "user", "key", pointer="query:actor"),
        target=reading.parse_id(target, *reading.PREFIXES.values(), pointer="query:target"),
        created_after=created_after,
        created_before=created_before,
    )


FiltersDep = Annotated[Filters, Depends(_filters)]


@router.get(
    "",
    response_model=Page[AuditEntryRead],
    operation_id="list_audit_log",
    responses=problems(*CALLER_PROBLEMS, LiveKeyRequired, InvalidCursor),
)
async def list_audit_log(
    caller: AuditReader, page: PageParams, filters: FiltersDep, session: DbSession
) -> Page[AuditEntryRead]:
    """List who did what in the workspace, newest first. Test keys are not shown it: it tells of what is live."""
    if caller.mode == "test":
        raise LiveKeyRequired
    of_workspace = replace(filters, workspace_id=caller.workspace_id)
    entries, cursor = await reading.list_of_workspace(session, page, of_workspace)
    return Page(data=entries, next_cursor=cursor)
