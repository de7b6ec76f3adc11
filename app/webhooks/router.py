"""Webhook endpoints, and the secret of tasks' webhooks, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.accounts.caller import CALLER_PROBLEMS, WebhooksReader, WebhooksWriter
from app.accounts.once import ONCE_PROBLEMS, OnceDep
from app.core import conditional
from app.core.db import DbSession
from app.core.ids import WebhookEndpointId, encode
from app.core.paging import Page, PageParams
from app.core.problems import InvalidCursor, problems
from app.core.visitor import VisitorDep
from app.core.wire import Moment, Text
from app.generation.errors import WebhookUrlNotAllowed
from app.webhooks import deliveries, service
from app.webhooks.desk import WebhookDesk
from app.webhooks.errors import (
    TooManyWebhookEndpoints,
    WebhookEndpointDisabled,
    WebhookEndpointNotFound,
)
from app.webhooks.models import DeliveryStatus
from app.webhooks.schemas import (
    DeliveryShown,
    RangeRedeliver,
    Redelivered,
    SecretRotate,
    SigningSecretRead,
    SigningSecretShown,
    WebhookEndpointCreate,
    WebhookEndpointRead,
    WebhookEndpointSecret,
    WebhookEndpointUpdate,
    WebhookTest,
)

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhooks"])
secret_router = APIRouter(prefix="/v1/webhook-signing-secret", tags=["webhooks"])


def _desk(request: Request) -> WebhookDesk:
    desk: WebhookDesk = request.app.state.webhooks
    return desk


DeskDep = Annotated[WebhookDesk, Depends(_desk)]
StatusFilter = Annotated[list[DeliveryStatus] | None, Query(description="One or more.")]
TypeFilter = Annotated[Text | None, Query(max_length=100, description="Of the event, as `task.failed`.")]
NewerFilter = Annotated[Moment | None, Query(description="Only newer ones.")]


@router.post(
    "",
    status_code=201,
    response_model=WebhookEndpointSecret,
    operation_id="create_webhook_endpoint",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, WebhookUrlNotAllowed, TooManyWebhookEndpoints),
)
async def create_webhook_endpoint(
    order: WebhookEndpointCreate,
    caller: WebhooksWriter,
    visitor: VisitorDep,
    desk: DeskDep,
    once: OnceDep,
    session: DbSession,
) -> Response:
    """Have events sent to a URL. Its secret is in this answer only; a test key's endpoints get test events."""
    made = await service.create_endpoint(session, desk, caller, order, visitor)
    return await once.answer(session, 201, made, {"Location": f"/v1/webhook-endpoints/{encode('whe', made.id)}"})


@router.get(
    "",
    response_model=Page[WebhookEndpointRead],
    operation_id="list_webhook_endpoints",
    responses=problems(*CALLER_PROBLEMS, InvalidCursor),
)
async def list_webhook_endpoints(
    caller: WebhooksReader, page: PageParams, desk: DeskDep, session: DbSession
) -> Page[WebhookEndpointRead]:
    """List the workspace's webhook endpoints, newest first."""
    found, cursor = await service.list_endpoints(session, desk, caller, page)
    return Page(data=found, next_cursor=cursor)


@router.get(
    "/{endpoint_id}",
    response_model=WebhookEndpointRead,
    operation_id="get_webhook_endpoint",
    responses=problems(*CALLER_PROBLEMS, WebhookEndpointNotFound) | {304: {"description": "Not changed."}},
)
async def get_webhook_endpoint(
    endpoint_id: WebhookEndpointId, request: Request, caller: WebhooksReader, desk: DeskDep, session: DbSession
) -> Response:
    """Read one webhook endpoint, and how it is doing."""
    return conditional.answer(request, await service.get_endpoint(session, desk, caller, endpoint_id))


@router.patch(
    "/{endpoint_id}",
    response_model=WebhookEndpointRead,
    operation_id="update_webhook_endpoint",
    responses=problems(*CALLER_PROBLEMS, WebhookEndpointNotFound, WebhookUrlNotAllowed),
)
async def update_webhook_endpoint(
    endpoint_id: WebhookEndpointId,
    change: WebhookEndpointUpdate,
    caller: WebhooksWriter,
    visitor: VisitorDep,
    desk: DeskDep,
    session: DbSession,
) -> WebhookEndpointRead:
    """Change a webhook endpoint, disable it, or enable it again. What waits for one that is disabled is discarded."""
    return await service.update_endpoint(session, desk, caller, endpoint_id, change, visitor)


@router.delete(
    "/{endpoint_id}",
    status_code=204,
    operation_id="delete_webhook_endpoint",
    responses=problems(*CALLER_PROBLEMS, WebhookEndpointNotFound),
)
async def delete_webhook_endpoint(
    endpoint_id: WebhookEndpointId, caller: WebhooksWriter, visitor: VisitorDep, session: DbSession
) -> Response:
    """Delete a webhook endpoint: nothing is sent there any more, but for what is under way."""
    await service.delete_endpoint(session, caller, endpoint_id, visitor)
    return Response(status_code=204)


@router.post(
    "/{endpoint_id}/rotate-secret",
    response_model=WebhookEndpointSecret,
    operation_id="rotate_webhook_secret",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, WebhookEndpointNotFound),
)
async def rotate_webhook_secret(
    endpoint_id: WebhookEndpointId,
    caller: WebhooksWriter,
    visitor: VisitorDep,
    desk: DeskDep,
    once: OnceDep,
    session: DbSession,
    order: SecretRotate | None = None,
) -> Response:
    """Give a webhook endpoint a new secret, which is in this answer only. The old one signs too until the overlap ends.

    To end a secret that leaked, say `"overlap_seconds": 0`.
    """
    made = await service.rotate_secret(session, desk, caller, endpoint_id, order or SecretRotate(), visitor)
    return await once.answer(session, 200, made)


@router.post(
    "/{endpoint_id}/test",
    status_code=202,
    response_model=DeliveryShown,
    operation_id="send_webhook_test",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS, WebhookEndpointNotFound, WebhookEndpointDisabled),
)
async def send_webhook_test(
    endpoint_id: WebhookEndpointId,
    caller: WebhooksWriter,
    once: OnceDep,
    session: DbSession,
    order: WebhookTest | None = None,
) -> Response:
    """Send an example event to a webhook endpoint, once. Nothing has happened: `GET /v1/events` does not have it."""
    made = await deliveries.send_test(session, caller, endpoint_id, order or WebhookTest())
    return await once.answer(session, 202, made, {"Location": f"/v1/webhook-deliveries/{encode('whd', made.id)}"})


@router.get(
    "/{endpoint_id}/deliveries",
    response_model=Page[DeliveryShown],
    operation_id="list_endpoint_deliveries",
    responses=problems(*CALLER_PROBLEMS, WebhookEndpointNotFound, InvalidCursor),
)
async def list_endpoint_deliveries(
    endpoint_id: WebhookEndpointId,
    caller: WebhooksReader,
    page: PageParams,
    desk: DeskDep,
    session: DbSession,
    status: StatusFilter = None,
    event_type: TypeFilter = None,
    created_after: NewerFilter = None,
) -> Page[DeliveryShown]:
    """List what was sent to a webhook endpoint, or is to be, newest first."""
    await service.get_endpoint(session, desk, caller, endpoint_id)
    found, cursor = await deliveries.list_deliveries(
        session,
        caller,
        page,
        endpoint_id=endpoint_id,
        status=status or [],
        event_type=event_type,
        created_after=created_after,
    )
    return Page(data=found, next_cursor=cursor)


@router.post(
    "/{endpoint_id}/redeliver",
    response_model=Redelivered,
    operation_id="redeliver_webhook_range",
    responses=problems(*CALLER_PROBLEMS, WebhookEndpointNotFound, WebhookEndpointDisabled),
)
async def redeliver_webhook_range(
    endpoint_id: WebhookEndpointId, order: RangeRedeliver, caller: WebhooksWriter, session: DbSession
) -> Redelivered:
    """Send the events of a time again, with the same `webhook-id`s; some thousands for each request.

    While `next_cursor` is not null there may be more: ask again with it.
    """
    return await deliveries.redeliver_range(session, caller, endpoint_id, order)


@secret_router.get(
    "",
    response_model=SigningSecretRead,
    operation_id="get_webhook_signing_secret",
    responses=problems(*CALLER_PROBLEMS),
)
async def get_webhook_signing_secret(caller: WebhooksReader, desk: DeskDep, session: DbSession) -> SigningSecretRead:
    """Read what is public of the secret that signs deliveries to the `webhook_url` of tasks."""
    return await service.get_signing_secret(session, desk, caller)


@secret_router.post(
    "/rotate",
    response_model=SigningSecretShown,
    operation_id="rotate_webhook_signing_secret",
    responses=problems(*CALLER_PROBLEMS, *ONCE_PROBLEMS),
)
async def rotate_webhook_signing_secret(
    caller: WebhooksWriter,
    visitor: VisitorDep,
    desk: DeskDep,
    once: OnceDep,
    session: DbSession,
    order: SecretRotate | None = None,
) -> Response:
    """Get a new secret for deliveries to the `webhook_url` of tasks, in this answer only. So one gets the first, too.

    The old one signs too until the overlap ends.
    """
    made = await service.rotate_signing_secret(session, desk, caller, order or SecretRotate(), visitor)
    return await once.answer(session, 200, made)
