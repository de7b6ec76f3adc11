"""Rules of deliveries as customers see them: the log, tests, and sending again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import CallerInfo
from app.core import clock, queue
from app.core.ids import decode, encode, new_id
from app.core.paging import EPOCH, PageRequest, cut
from app.core.problems import InvalidCursor, InvalidRequest
from app.core.wire import dumps, moment
from app.feed.schemas import EVENT_TYPES, example
from app.webhooks import queries, reading, service, subscriptions
from app.webhooks.errors import WebhookDeliveryNotFound, WebhookEndpointDisabled
from app.webhooks.models import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from app.webhooks.schemas import DeliveryRead, DeliveryShown, RangeRedeliver, Redelivered, WebhookTest

CHANNEL = "backlot:webhooks"
DUE = "due"
"""What whoever delivers hears on the channel."""
RANGE_AT_ONCE = 5000
_INCLUDED: dict[str, tuple[DeliveryStatus, ...]] = {
    "failed": (DeliveryStatus.FAILED,),
    "undelivered": (DeliveryStatus.FAILED, DeliveryStatus.DISCARDED, DeliveryStatus.PENDING),
    "all": tuple(DeliveryStatus),
}


async def list_deliveries(
    session: AsyncSession,
    caller: CallerInfo,
    page: PageRequest,
    *,
    endpoint_id: UUID | None = None,
    task_id: UUID | None = None,
    status: Sequence[DeliveryStatus] = (),
    event_type: str | None = None,
    created_after: datetime | None = None,
) -> tuple[list[DeliveryShown], str | None]:
    rows = await queries.list_deliveries(
        session,
        page,
        workspace_id=caller.workspace_id,
        mode=caller.mode,
        endpoint_id=endpoint_id,
        task_id=task_id,
        status=status,
        event_type=event_type,
        created_after=created_after,
    )
    found, cursor = cut(rows, page)
    return [reading.delivery(row) for row in found], cursor


async def get_delivery(session: AsyncSession, caller: CallerInfo, delivery_id: UUID) -> DeliveryRead:
    """Raises WebhookDeliveryNotFound."""
    delivery = await _find(session, caller, delivery_id)
    return reading.whole(caller, delivery, await queries.list_attempts(session, delivery_id))


async def _find(session: AsyncSession, caller: CallerInfo, delivery_id: UUID) -> WebhookDelivery:
    delivery = await queries.find_delivery(session, delivery_id, workspace_id=caller.workspace_id, mode=caller.mode)
    if delivery is None:
        raise WebhookDeliveryNotFound
    return delivery


async def send_test(session: AsyncSession, caller: CallerInfo, endpoint_id: UUID, order: WebhookTest) -> DeliveryShown:
    """An example to this endpoint alone; its event is in no log.

    Raises WebhookEndpointNotFound, WebhookEndpointDisabled or InvalidRequest.
    """
    endpoint = await _open(session, caller, endpoint_id)
    event_type = order.type or subscriptions.first(endpoint.event_types)
    if event_type not in EVENT_TYPES:
        raise InvalidRequest.at(
            "/type",
            f"There are no events {event_type!r}; there are {', '.join(EVENT_TYPES)}.",
            code="unknown_event_type",
        )
    event_id, now = new_id(), clock.now()
    event = {
        "id": encode("evt", event_id),
        "object": "event",
        "type": event_type,
        "version": EVENT_TYPES[event_type].version,
        "timestamp": moment(now),
        "workspace_id": encode("ws", caller.workspace_id),
        "mode": caller.mode,
        "data": example(event_type),
    }
    delivery = WebhookDelivery(
        id=new_id(),
        workspace_id=endpoint.workspace_id,
        mode=endpoint.mode,
        endpoint_id=endpoint.id,
        target_id=endpoint.id,
        event_id=event_id,
        event_type=event_type,
        payload=dumps(event).decode(),
        status=DeliveryStatus.PENDING,
        attempts=0,
        tries=0,
        due_at=now,
        created_at=now,
    )
    await service.wake(session, endpoint)
    session.add(delivery)
    await session.flush()
    queue.publish(session, CHANNEL, DUE)
    return reading.delivery(delivery)


async def _open(session: AsyncSession, caller: CallerInfo, endpoint_id: UUID) -> WebhookEndpoint:
    endpoint = await service.lock_endpoint(session, caller, endpoint_id)
    if endpoint.status != EndpointStatus.ENABLED:
        raise WebhookEndpointDisabled
    return endpoint


async def redeliver(session: AsyncSession, caller: CallerInfo, delivery_id: UUID) -> DeliveryShown:
    """Due now, with all its tries before it. Raises WebhookDeliveryNotFound or WebhookEndpointDisabled."""
    delivery = await _find(session, caller, delivery_id)
    if delivery.endpoint_id is not None:
        endpoint = await queries.lock_endpoint(
            session, delivery.endpoint_id, workspace_id=caller.workspace_id, mode=caller.mode
        )
        if endpoint is None or endpoint.status != EndpointStatus.ENABLED:
            raise WebhookEndpointDisabled
    await queries.wake(
        session,
        delivery.target_id,
        workspace_id=delivery.workspace_id,
        mode=delivery.mode,
        endpoint_id=delivery.endpoint_id,
    )
    await queries.redeliver(session, delivery_id)
    queue.publish(session, CHANNEL, DUE)
    return reading.delivery(await _find(session, caller, delivery_id))


async def redeliver_range(
    session: AsyncSession, caller: CallerInfo, endpoint_id: UUID, order: RangeRedeliver
) -> Redelivered:
    """Some thousands of the log's events at a time, the oldest first.

    Raises WebhookEndpointNotFound, WebhookEndpointDisabled, InvalidCursor, or MissingScope: what was missed is sent as
    the endpoint's types are now.
    """
    endpoint = await _open(session, caller, endpoint_id)
    subscriptions.check(caller, endpoint.event_types)
    await service.wake(session, endpoint)
    queued, last = await queries.redeliver_range(
        session,
        endpoint,
        after=max(order.after, EPOCH),
        before=order.before or clock.now(),
        last_event=_event_id(order.cursor),
        statuses=_INCLUDED[order.include],
        is_with_missed=order.include != "failed",
        most=RANGE_AT_ONCE,
    )
    queue.publish(session, CHANNEL, DUE)
    return Redelivered(queued=queued, next_cursor=encode("evt", last) if last else None)


def _event_id(cursor: str | None) -> UUID | None:
    try:
        return decode("evt", cursor) if cursor is not None else None
    except ValueError:
        raise InvalidCursor.at("/cursor", "Not a cursor of this list.") from None
