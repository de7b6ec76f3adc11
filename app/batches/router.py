"""Batches over HTTP."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.accounts.caller import CALLER_PROBLEMS, TasksReader, TasksWriter, is_still_admitted
from app.accounts.errors import EmailUnverified, InvalidTicket
from app.accounts.keys.errors import KeyBudgetExceeded
from app.accounts.models import Scope
from app.accounts.once import ONCE_PROBLEMS, IdempotencyHeader, OnceDep, claimed
from app.accounts.schemas import CallerInfo
from app.accounts.tickets import take_ticket
from app.batches import examples, service
from app.batches.errors import BatchEnded, BatchNotFound, NoValidItems
from app.batches.intake import BatchIntake
from app.batches.reader import BatchReader
from app.batches.schemas import BatchCreate, BatchRead, BatchShown
from app.core import conditional
from app.core.db import DbSession
from app.core.ids import BatchId, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.streams import EventStream, LastEventId, LastEventIdAsked
from app.core.waits import WaitDep
from app.core.wire import dumps
from app.events.following import follow
from app.generation import waiting
from app.generation.errors import TooManyTasks
from app.generation.router import ORDER_PROBLEMS, LookoutDep
from app.ledger.errors import InsufficientCredits

router = APIRouter(prefix="/v1/batches", tags=["batches"])

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Accepted: the price of all items that can be done is held.",
        "content": {"application/json": {"example": examples.PENDING_BATCH}},
    }
}


@dataclass(frozen=True, slots=True)
class BatchDesk:
    """What the routes work with; one per API process."""

    intake: BatchIntake
    reader: BatchReader


def _desk(request: Request) -> BatchDesk:
    desk: BatchDesk = request.app.state.batches
    return desk


DeskDep = Annotated[BatchDesk, Depends(_desk)]


@router.post(
    "",
    status_code=202,
    response_model=BatchRead,
    operation_id="create_batch",
    responses=problems(
        *CALLER_PROBLEMS,
        *ONCE_PROBLEMS,
        *ORDER_PROBLEMS,
        EmailUnverified,
        NoValidItems,
        InsufficientCredits,
        KeyBudgetExceeded,
        TooManyTasks,
    )
    | ACCEPTED,
)
async def create_batch(
    batch: BatchCreate, request: Request, caller: TasksWriter, desk: DeskDep, key: IdempotencyHeader = None
) -> Response:
    """Order one operation on up to 500 inputs: the price of all is held at once. A bad item fails alone."""
    receipt = await desk.intake.order(caller, batch, await claimed(request, key))
    headers = {"Location": f"/v1/batches/{encode('batch', receipt.batch_id)}"}
    if receipt.is_replay:
        headers["Idempotency-Replayed"] = "true"
    return Response(dumps(receipt.shown), 202, headers, "application/json")


@router.get(
    "",
    response_model=Page[BatchShown],
    operation_id="list_batches",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_batches(caller: TasksReader, page: PageParams, session: DbSession) -> Response:
    """List the workspace's batches, newest first, without their items."""
    found, cursor = await service.list_batches(session, caller, page)
    return Response(dumps({"data": found, "next_cursor": cursor}), media_type="application/json")


@router.get(
    "/{batch_id}",
    response_model=BatchRead,
    operation_id="get_batch",
    responses=problems(*CALLER_PROBLEMS, BatchNotFound) | {304: {"description": "Not changed."}},
)
async def get_batch(
    batch_id: BatchId, request: Request, caller: TasksReader, desk: DeskDep, lookout: LookoutDep, wait: WaitDep
) -> Response:
    """Read a batch with all its items. With `wait` the answer comes when all have ended, or the seconds are over."""
    if wait.seconds:
        look = partial(desk.reader.find_state, caller, batch_id)
        await waiting.until_ended(lookout, batch_id, look, seconds=wait.seconds)
    if known := request.headers.get("if-none-match"):
        etag = await desk.reader.find_etag(caller, batch_id)
        if etag is not None and conditional.is_known(known, etag):
            return conditional.not_modified(etag, wait.headers)
    return await _whole(desk, caller, batch_id, wait.headers)


async def _whole(desk: BatchDesk, caller: CallerInfo, batch_id: UUID, headers: dict[str, str]) -> Response:
    found = await desk.reader.find(caller, batch_id)
    if found is None:
        raise BatchNotFound
    return conditional.whole(*found, headers)


@router.get(
    "/{batch_id}/events",
    operation_id="stream_batch_events",
    response_class=EventStream,
    dependencies=[Depends(take_ticket)],
    responses=problems(*CALLER_PROBLEMS, InvalidTicket, BatchNotFound)
    | {
        200: {
            "description": "Server-sent events, until the batch has ended. The schema is that of each event.",
            "content": {"text/event-stream": {"schema": examples.EVENT_SCHEMA, "example": examples.EVENT}},
        },
        204: {"description": "The batch has ended, and the caller has seen all of it: do not reconnect."},
    },
)
async def stream_batch_events(
    batch_id: BatchId,
    request: Request,
    caller: TasksReader,
    desk: DeskDep,
    lookout: LookoutDep,
    last_event_id: LastEventId = None,
    last_event_id_asked: LastEventIdAsked = None,
) -> Response:
    """Follow a batch by server-sent events: those of all its tasks, then `batch.completed`."""
    if await desk.reader.find_state(caller, batch_id) is None:
        raise BatchNotFound

    async def is_over(position: int) -> bool:
        """Nothing is open, and nothing more to be told. A task that was tried again ends after `batch.completed`."""
        state = await desk.reader.find_state(caller, batch_id)
        return state is None or (state.is_ended and state.position <= position)

    is_admitted = partial(is_still_admitted, request, Scope.TASKS_READ)
    followed = waiting.followed(lookout, caller, "batch", batch_id, is_over=is_over, is_admitted=is_admitted)
    after, has_ended = await waiting.resume_point(
        lookout, followed, "batch", batch_id, last_event_id or last_event_id_asked
    )
    if has_ended:
        return Response(status_code=204)
    return EventStream(follow(lookout.bells, followed, after=after))


@router.post(
    "/{batch_id}/cancel",
    response_model=BatchRead,
    operation_id="cancel_batch",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, BatchNotFound, BatchEnded),
)
async def cancel_batch(
    batch_id: BatchId, caller: TasksWriter, once: OnceDep, desk: DeskDep, session: DbSession
) -> Response:
    """Cancel what has not ended: it stops, and its holds are given back. What has ended stays as it is."""
    await service.cancel_batch(session, caller, batch_id)
    return await once.answer(session, 200, await desk.reader.read(session, caller, batch_id))
