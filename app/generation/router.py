"""Tasks over HTTP."""

import re
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.accounts.caller import CALLER_PROBLEMS, TasksReader, TasksWriter, authenticate, is_still_admitted
from app.accounts.errors import EmailUnverified, InvalidTicket
from app.accounts.keys.errors import KeyBudgetExceeded, OperationNotAllowed
from app.accounts.models import Scope
from app.accounts.once import ONCE_PROBLEMS, IdempotencyHeader, OnceDep, claimed
from app.accounts.schemas import CallerInfo
from app.accounts.tickets import take_ticket
from app.assets.errors import UPLOAD_PROBLEMS, AssetNotFound
from app.assets.tools import AssetToolsDep
from app.core import conditional
from app.core.db import DbSession
from app.core.dependencies import SettingsDep
from app.core.hot import HotRoutes, header, read_json
from app.core.ids import BatchId, TaskId, decode, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, InvalidRequest, problems
from app.core.streams import MOST_OF_ID, EventStream, LastEventId, LastEventIdAsked
from app.core.waits import WaitDep
from app.core.wire import Moment, Text, dumps
from app.events.following import follow
from app.generation import drafts, examples, reading, service, waiting
from app.generation.errors import (
    ProviderNotConfigured,
    TaskEnded,
    TaskNotEnded,
    TaskNotFound,
    TaskNotRetryable,
    TooManyTasks,
    UnknownModel,
    UnknownOperation,
    UnknownPreset,
    UnsupportedParameter,
    WebhookUrlNotAllowed,
)
from app.generation.intake import Intake, Receipt
from app.generation.models import TaskStatus
from app.generation.schemas import Quote, QuotedCredits, TaskCreate, TaskRead
from app.generation.waiting import Lookout
from app.ledger.errors import InsufficientCredits, NotSellable
from app.providers.catalog import Catalog

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Accepted: the price is held.",
        "content": {"application/json": {"example": examples.PENDING_TASK}},
    }
}
ORDER_PROBLEMS = (
    OperationNotAllowed,
    UnknownOperation,
    UnknownModel,
    UnknownPreset,
    UnsupportedParameter,
    NotSellable,
    ProviderNotConfigured,
)


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.catalog
    return catalog


def _lookout(request: Request) -> Lookout:
    lookout: Lookout = request.app.state.lookout
    return lookout


def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


IntakeDep = Annotated[Intake, Depends(_intake)]
CatalogDep = Annotated[Catalog, Depends(_catalog)]
LookoutDep = Annotated[Lookout, Depends(_lookout)]


@router.post(
    "",
    status_code=202,
    response_model=TaskRead,
    operation_id="create_task",
    responses=problems(
        *CALLER_PROBLEMS,
        *ONCE_PROBLEMS,
        *ORDER_PROBLEMS,
        *UPLOAD_PROBLEMS,
        EmailUnverified,
        AssetNotFound,
        WebhookUrlNotAllowed,
        InsufficientCredits,
        KeyBudgetExceeded,
        TooManyTasks,
    )
    | ACCEPTED,
)
async def create_task(
    order: TaskCreate, request: Request, caller: TasksWriter, intake: IntakeDep, key: IdempotencyHeader = None
) -> Response:
    """Order a task: its price is held, and it is queued. The answer comes at once; then wait for its end."""
    return _accepted(await intake.order(caller, order, await claimed(request, key)))


async def _create_task_hot(request: Request) -> Response | None:
    caller = await authenticate(request, Scope.TASKS_WRITE)
    order = await read_json(request, TaskCreate)
    if order is None:
        return None
    claim = await claimed(request, header(request, b"idempotency-key"))
    return _accepted(await _intake(request).order(caller, order, claim))


def _accepted(receipt: Receipt) -> Response:
    headers = {"Location": f"/v1/tasks/{receipt.shown['id']}"}
    if receipt.is_replay:
        headers["Idempotency-Replayed"] = "true"
    return Response(dumps(receipt.shown), 202, headers, "application/json")


@router.post(
    "/quote",
    response_model=Quote,
    operation_id="quote_task",
    responses=problems(*CALLER_PROBLEMS, *ORDER_PROBLEMS, WebhookUrlNotAllowed),
)
async def quote_task(
    order: TaskCreate, caller: TasksReader, catalog: CatalogDep, intake: IntakeDep, tools: AssetToolsDep
) -> Quote:
    """Price an order without placing it. URLs in it are not fetched, and nothing is kept."""
    draft = drafts.make(catalog, await intake.prices.read(), caller, order)
    drafts.check_webhook(tools, order)
    return Quote(
        credits=QuotedCredits(quoted=draft.price),
        model=draft.offer.offer.model,
        provider=draft.offer.provider,
        estimated_seconds=draft.estimated_seconds(await intake.estimates.get()),
    )


_METADATA_PARAMETER = re.compile(r"metadata\[(?P<key>.*)\]", re.DOTALL)
_METADATA_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_METADATA_DOCUMENTED: dict[str, Any] = {
    "parameters": [
        {
            "name": "metadata",
            "in": "query",
            "style": "deepObject",
            "explode": True,
            "description": "`metadata[key]=value`: only those whose metadata has it.",
            "schema": {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z0-9_.:-]{1,64}$"},
                "additionalProperties": {"type": "string", "maxLength": 500, "pattern": r"^[^\x00]*$"},
                "examples": [{"sku": "A-17"}],
            },
        }
    ]
}


def _metadata(request: Request) -> dict[str, str]:
    wanted = {}
    for name, value in request.query_params.multi_items():
        if (match := _METADATA_PARAMETER.fullmatch(name)) is None:
            continue
        if not _METADATA_KEY.fullmatch(match["key"]) or "\x00" in value or len(value) > 500:
            raise InvalidRequest.at(f"query:{name}", "No task has such metadata.", code="invalid_metadata")
        wanted[match["key"]] = value
    return wanted


@router.get(
    "",
    response_model=Page[TaskRead],
    operation_id="list_tasks",
    openapi_extra=_METADATA_DOCUMENTED,
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_tasks(
    caller: TasksReader,
    page: PageParams,
    metadata: Annotated[dict[str, str], Depends(_metadata)],
    lookout: LookoutDep,
    session: DbSession,
    status: Annotated[list[TaskStatus] | None, Query(description="One or more.")] = None,
    operation: Annotated[Text | None, Query(max_length=64, description="By name.")] = None,
    batch_id: Annotated[BatchId | None, Query(description="Only what this batch ordered.")] = None,
    created_after: Annotated[Moment | None, Query(description="Only newer ones.")] = None,
) -> Response:
    """List the workspace's tasks, newest first. `metadata[key]=value` finds those whose metadata has it."""
    task_ids, cursor = await service.list_tasks(
        session,
        caller,
        page,
        status=status or [],
        operation=operation,
        batch_id=batch_id,
        created_after=created_after,
        metadata=metadata,
    )
    found = await lookout.tasks.list_found(caller, task_ids)
    return Response(dumps({"data": found, "next_cursor": cursor}), media_type="application/json")


_PLAIN_WAIT = re.compile(rb"wait=([1-5]?\d(?:\.\d{1,3})?|60)")


@router.get(
    "/{task_id}",
    response_model=TaskRead,
    operation_id="get_task",
    responses=problems(*CALLER_PROBLEMS, TaskNotFound) | {304: {"description": "Not changed."}},
)
async def get_task(task_id: TaskId, request: Request, caller: TasksReader, wait: WaitDep) -> Response:
    """Read a task. With `wait` the answer comes when the task ends, or when the seconds are over."""
    return await _status(request, caller, task_id, wait.seconds, wait.headers)


def _task_id(request: Request) -> UUID | None:
    """As the path has it, if it can be one."""
    try:
        return decode("task", request.path_params["task_id"])
    except ValueError:
        return None


async def _get_task_shortly(request: Request) -> Response | None:
    """What nearly every request for a task is: no parameters, or a plain wait."""
    caller = await authenticate(request, Scope.TASKS_READ)
    query = request.scope["query_string"]
    plain = _PLAIN_WAIT.fullmatch(query) if query else None
    task_id = _task_id(request)
    if task_id is None or (query and not plain) or header(request, b"prefer") is not None:
        return None
    return await _status(request, caller, task_id, float(plain[1]) if plain else 0, {})


async def _status(
    request: Request, caller: CallerInfo, task_id: UUID, wait: float, headers: dict[str, str]
) -> Response:
    lookout, known = _lookout(request), header(request, b"if-none-match")
    task = await waiting.end_of_task(lookout, caller, task_id, seconds=wait) if wait else None
    if known:
        etag = task.etag if task else await lookout.tasks.find_etag(caller, task_id)
        if etag is not None and conditional.is_known(known, etag):
            return conditional.not_modified(etag, headers)
    task = task or await lookout.tasks.find(caller, task_id)
    if task is None:
        raise TaskNotFound
    return conditional.whole(task.body, task.etag, headers)


@router.get(
    "/{task_id}/events",
    operation_id="stream_task_events",
    response_class=EventStream,
    dependencies=[Depends(take_ticket)],
    responses=problems(*CALLER_PROBLEMS, InvalidTicket, TaskNotFound)
    | {
        200: {
            "description": "Server-sent events, until the task has ended. The schema is that of each event.",
            "content": {"text/event-stream": {"schema": examples.EVENT_SCHEMA, "example": examples.EVENT}},
        },
        204: {"description": "The task has ended, and the caller has seen all of it: do not reconnect."},
    },
)
async def stream_task_events(
    task_id: TaskId,
    request: Request,
    caller: TasksReader,
    last_event_id: LastEventId = None,
    last_event_id_asked: LastEventIdAsked = None,
) -> Response:
    """Follow a task by server-sent events: all of them, or those after `Last-Event-ID`."""
    return await _stream(request, caller, task_id, last_event_id or last_event_id_asked)


async def _stream_task_events_hot(request: Request) -> Response | None:
    if request.scope["query_string"]:
        return None
    caller = await authenticate(request, Scope.TASKS_READ)
    last_event_id = header(request, b"last-event-id")
    task_id = _task_id(request)
    if task_id is None or len(last_event_id or "") > MOST_OF_ID:
        return None
    return await _stream(request, caller, task_id, last_event_id)


async def _stream(request: Request, caller: CallerInfo, task_id: UUID, last_event_id: str | None) -> Response:
    lookout = _lookout(request)
    if await lookout.tasks.find_state(caller, task_id) is None:
        raise TaskNotFound
    is_admitted = partial(is_still_admitted, request, Scope.TASKS_READ)
    followed = waiting.followed_task(lookout, caller, task_id, is_admitted)
    after, is_over = await waiting.resume_point(lookout, followed, "task", task_id, last_event_id)
    if is_over:
        return Response(status_code=204)
    return EventStream(follow(lookout.bells, followed, after=after))


hot_routes = HotRoutes()
hot_routes.add("POST", "/v1/tasks", _create_task_hot)
hot_routes.add("GET", "/v1/tasks/{task_id}", _get_task_shortly)
hot_routes.add("GET", "/v1/tasks/{task_id}/events", _stream_task_events_hot)


@router.post(
    "/{task_id}/cancel",
    response_model=TaskRead,
    operation_id="cancel_task",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, TaskNotFound, TaskEnded),
)
async def cancel_task(
    task_id: TaskId, caller: TasksWriter, once: OnceDep, tools: AssetToolsDep, session: DbSession
) -> Response:
    """Cancel a task that has not ended: it stops, and its hold is given back."""
    task = await service.cancel_task(session, caller, task_id)
    return await once.answer(session, 200, dumps(await reading.read(session, tools, task)))


@router.post(
    "/{task_id}/retry",
    status_code=202,
    response_model=TaskRead,
    operation_id="retry_task",
    responses=problems(
        *CALLER_PROBLEMS,
        *ONCE_PROBLEMS,
        EmailUnverified,
        TaskNotFound,
        TaskNotRetryable,
        OperationNotAllowed,
        InsufficientCredits,
        KeyBudgetExceeded,
        TooManyTasks,
    )
    | ACCEPTED,
)
async def retry_task(
    task_id: TaskId, caller: TasksWriter, once: OnceDep, tools: AssetToolsDep, settings: SettingsDep, session: DbSession
) -> Response:
    """Try a failed or canceled task again, at its quoted price. Steps that are done are not repeated."""
    task = await service.retry_task(session, settings, caller, task_id)
    location = f"/v1/tasks/{encode('task', task.id)}"
    return await once.answer(session, 202, dumps(await reading.read(session, tools, task)), {"Location": location})


@router.delete(
    "/{task_id}",
    status_code=204,
    operation_id="delete_task",
    responses=problems(*CALLER_PROBLEMS, TaskNotFound, TaskNotEnded),
)
async def delete_task(task_id: TaskId, caller: TasksWriter, session: DbSession) -> Response:
    """Delete an ended task. Its results stay in the gallery."""
    await service.delete_task(session, caller, task_id)
    return Response(status_code=204)
