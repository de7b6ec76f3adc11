"""Deliveries over HTTP: what was sent, what came back, and sending it again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.accounts.caller import CALLER_PROBLEMS, WebhooksReader, WebhooksWriter
from app.core import conditional
from app.core.db import DbSession
from app.core.ids import TaskId, WebhookDeliveryId, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.webhooks import deliveries
from app.webhooks.errors import WebhookDeliveryNotFound, WebhookEndpointDisabled
from app.webhooks.router import NewerFilter, StatusFilter, TypeFilter
from app.webhooks.schemas import DeliveryRead, DeliveryShown

router = APIRouter(prefix="/v1/webhook-deliveries", tags=["webhooks"])


@router.get(
    "",
    response_model=Page[DeliveryShown],
    operation_id="list_webhook_deliveries",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_webhook_deliveries(
    caller: WebhooksReader,
    page: PageParams,
    session: DbSession,
    task_id: Annotated[TaskId | None, Query(description="Only events of this task.")] = None,
    status: StatusFilter = None,
    event_type: TypeFilter = None,
    created_after: NewerFilter = None,
) -> Page[DeliveryShown]:
    """List what was sent to any webhook endpoint or `webhook_url`, or is to be, newest first."""
    found, cursor = await deliveries.list_deliveries(
        session,
        caller,
        page,
        task_id=task_id,
        status=status or [],
        event_type=event_type,
        created_after=created_after,
    )
    return Page(data=found, next_cursor=cursor)


@router.get(
    "/{delivery_id}",
    response_model=DeliveryRead,
    operation_id="get_webhook_delivery",
    responses=problems(*CALLER_PROBLEMS, WebhookDeliveryNotFound) | {304: {"description": "Not changed."}},
)
async def get_webhook_delivery(
    delivery_id: WebhookDeliveryId, request: Request, caller: WebhooksReader, session: DbSession
) -> Response:
    """Read one delivery with all its attempts: what was sent, and what came back."""
    return conditional.answer(request, await deliveries.get_delivery(session, caller, delivery_id))


@router.post(
    "/{delivery_id}/redeliver",
    status_code=202,
    response_model=DeliveryShown,
    operation_id="redeliver_webhook",
    responses=problems(*CALLER_PROBLEMS, WebhookDeliveryNotFound, WebhookEndpointDisabled),
)
async def redeliver_webhook(delivery_id: WebhookDeliveryId, caller: WebhooksWriter, session: DbSession) -> Response:
    """Send one again, at once and with the same `webhook-id`, whatever became of it before."""
    made = await deliveries.redeliver(session, caller, delivery_id)
    headers = {"Location": f"/v1/webhook-deliveries/{encode('whd', made.id)}"}
    return Response(made.model_dump_json(), 202, headers, "application/json")
