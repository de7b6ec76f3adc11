"""Events over HTTP: the list, the stream, and tickets for it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from app.accounts.caller import CALLER_PROBLEMS, EventsReader, authenticate, is_still_admitted, presented
from app.accounts.errors import InvalidTicket
from app.accounts.models import Scope
from app.accounts.schemas import CallerInfo
from app.accounts.tickets import Tickets, take_ticket
from app.core.hot import HotRoutes, header
from app.core.ids import BatchId, EventId, TaskId
from app.core.paging import EPOCH, PageParams, PageRequest, Position, encode_cursor
from app.core.problems import InvalidCursor, InvalidRequest, problems
from app.core.streams import EventStream, LastEventId, LastEventIdAsked
from app.core.wire import Moment, Text, dumps
from app.events.feed import FeedFilters, Whose
from app.events.following import follow
from app.feed import schemas, streaming
from app.feed.errors import EventNotFound
from app.feed.schemas import AnyEvent, EventPage
from app.feed.streaming import FeedDesk

router = APIRouter(prefix="/v1/events", tags=["events"])

MOST_TYPES = 50
SHORT = 64
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_ALL = 2**63 - 1
_STREAMED: dict[str, Any] = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Give the last one as `Last-Event-ID` to go on after it."},
        "event": {"type": "string", "enum": [*schemas.EVENT_TYPES, "reset"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "The event as `GET /v1/events/{id}` gives it. With `reset`: why it did not go on where it "
            "was asked to; read anew what you keep.",
        },
    },
}
_EXAMPLE = schemas.example_event("task.succeeded")
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events, without end. The schema is that of each event.",
        "content": {
            "text/event-stream": {
                "schema": _STREAMED,
                "example": {"id": _EXAMPLE["id"], "event": _EXAMPLE["type"], "data": dumps(_EXAMPLE).decode()},
            }
        },
    }
}


def _desk(request: Request) -> FeedDesk:
    desk: FeedDesk = request.app.state.feed
    return desk


DeskDep = Annotated[FeedDesk, Depends(_desk)]
TypeFilter = Annotated[
    list[Annotated[Text, Query(max_length=SHORT)]] | None,
    Query(alias="type", max_length=MOST_TYPES, description="By type, one or more; `task.*` for a whole family."),
]


def _whose(caller: CallerInfo) -> Whose:
    return Whose(caller.workspace_id, caller.mode)


def _types(caller: CallerInfo, wanted: list[str] | None) -> tuple[str, ...]:
    """Those asked for that the caller may see, in one order, so that equal questions are one."""
    visible = schemas.visible_types(caller.scopes)
    return tuple(sorted(visible & schemas.expand(wanted, "query:type") if wanted else visible))


@router.get(
    "",
    response_model=EventPage,
    operation_id="list_events",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor)
    | {200: {"content": {"application/json": {"example": {"data": [_EXAMPLE], "next_cursor": None}}}}},
)
async def list_events(
    caller: EventsReader,
    page: PageParams,
    desk: DeskDep,
    types: TypeFilter = None,
    task_id: Annotated[TaskId | None, Query(description="Only what happened to this task.")] = None,
    batch_id: Annotated[BatchId | None, Query(description="Only what happened to this batch and its tasks.")] = None,
    created_after: Annotated[Moment | None, Query(description="Only newer ones.")] = None,
    created_before: Annotated[Moment | None, Query(description="Only older ones.")] = None,
) -> Response:
    """List what has happened in the workspace, newest first: what the caller may see of the last weeks."""
    if task_id is not None and batch_id is not None:
        raise InvalidRequest.at("query:batch_id", "Give task_id or batch_id, not both.", code="conflicting_filters")
    of: tuple[str, UUID] | None = ("task", task_id) if task_id else ("batch", batch_id) if batch_id else None
    filters = FeedFilters(_types(caller, types), created_after or EPOCH, created_before or _END_OF_TIME, of)
    rows = await desk.reader.list_newest(_whose(caller), filters, before=_before(page), limit=page.limit + 1)
    shown, cursor = rows[: page.limit], None
    if len(rows) > page.limit:
        cursor = encode_cursor(Position(_as_time(shown[-1]["number"]), shown[-1]["id"]), page.path)
    events = b",".join(await desk.renderer.render(shown))
    body = b'{"data":[%b],"next_cursor":%b}' % (events, f'"{cursor}"'.encode() if cursor else b"null")
    return Response(body, media_type="application/json")


def _as_time(number: int) -> datetime:
    """Cursors hold a moment and an id; this list is in the order of numbers."""
    return EPOCH + timedelta(microseconds=number)


def _before(page: PageRequest) -> int:
    return (page.after.created_at - EPOCH) // timedelta(microseconds=1) if page.after else _ALL


@router.get(
    "/stream",
    operation_id="stream_events",
    response_class=EventStream,
    dependencies=[Depends(take_ticket)],
    responses=problems(*CALLER_PROBLEMS, InvalidTicket) | _STREAM,
)
async def stream_events(
    request: Request,
    caller: EventsReader,
    types: TypeFilter = None,
    last_event_id: LastEventId = None,
    last_event_id_asked: LastEventIdAsked = None,
) -> Response:
    """Follow all that happens in the workspace by server-sent events: from now on, or after `Last-Event-ID`."""
    return await _stream(request, caller, types, last_event_id or last_event_id_asked)


async def _stream_events_hot(request: Request) -> Response | None:
    # Not `request.query_params`, which the request would keep: thousands of them are open.
    query = parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    types, ticket, asked = (
        query.get("type", []),
        query.get("ticket", [None])[-1],
        query.get("last_event_id", [None])[-1],
    )
    last_event_id = header(request, b"last-event-id") or asked
    texts = (*types, ticket or "", last_event_id or "")
    if len(types) > MOST_TYPES or any(len(one) > SHORT or "\x00" in one for one in texts):
        return None
    await take_ticket(request, ticket)
    caller = await authenticate(request, Scope.EVENTS_READ)
    return await _stream(request, caller, types, last_event_id)


async def _stream(request: Request, caller: CallerInfo, types: list[str] | None, last_event_id: str | None) -> Response:
    desk, whose, wanted = _desk(request), _whose(caller), _types(caller, types)
    after, greeting = await streaming.begin(desk, whose, last_event_id)
    is_admitted = partial(is_still_admitted, request, Scope.EVENTS_READ)
    followed = streaming.followed(desk, whose, wanted, is_admitted)
    return EventStream(follow(desk.bells, followed, after=after, greeting=greeting))


hot_routes = HotRoutes()
hot_routes.add("GET", "/v1/events/stream", _stream_events_hot)


class Ticket(BaseModel):
    """What opens a stream in place of a header."""

    ticket: str
    expires_at: datetime


_TICKET = {"ticket": "bkt_" + "x" * 43, "expires_at": "2026-01-31T12:01:00Z"}


@router.post(
    "/stream/tickets",
    response_model=Ticket,
    operation_id="create_ticket",
    responses=problems(*CALLER_PROBLEMS) | {200: {"content": {"application/json": {"example": _TICKET}}}},
)
async def create_ticket(request: Request, caller: EventsReader) -> Ticket:
    """Get a ticket that opens streams for a minute, as `?ticket=`: for an EventSource, which sends no headers."""
    tickets: Tickets = request.app.state.tickets
    ticket, expires_at = await tickets.issue(presented(request))
    return Ticket(ticket=ticket, expires_at=expires_at)


@router.get(
    "/{event_id}",
    response_model=AnyEvent,
    operation_id="get_event",
    responses=problems(*CALLER_PROBLEMS, EventNotFound)
    | {200: {"content": {"application/json": {"example": _EXAMPLE}}}},
)
async def get_event(event_id: EventId, caller: EventsReader, desk: DeskDep) -> Response:
    """Read one event."""
    row = await desk.reader.find(_whose(caller), event_id, _types(caller, None))
    if row is None:
        raise EventNotFound
    return Response((await desk.renderer.render([row]))[0], media_type="application/json")
