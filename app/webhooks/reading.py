"""Endpoints and deliveries as the outside sees them."""

from collections.abc import Sequence
from datetime import datetime

from app.accounts.schemas import CallerInfo
from app.core import clock
from app.core.ids import encode
from app.core.wire import moment
from app.webhooks import own_headers, signing, subscriptions
from app.webhooks.desk import WebhookDesk
from app.webhooks.models import DeliveryStatus, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from app.webhooks.schemas import (
    AttemptError,
    AttemptRequest,
    AttemptResponse,
    AttemptShown,
    DeliveryRead,
    DeliveryShown,
    WebhookEndpointRead,
)


def endpoint(desk: WebhookDesk, row: WebhookEndpoint, failing_since: datetime | None) -> WebhookEndpointRead:
    key = desk.signer.key(signing.of_endpoint(row.id), row.secret_generation)
    return WebhookEndpointRead.model_validate(
        {
            "id": row.id,
            "mode": row.mode,
            "url": row.url,
            "description": row.description,
            "event_types": row.event_types,
            "header_names": list(own_headers.read(desk.sealer, row.headers)),
            "status": row.status,
            "disabled_reason": row.disabled_reason,
            "disabled_at": row.disabled_at,
            "failing_since": failing_since,
            "public_key": key.public,
            "secret_rotated_at": row.secret_rotated_at,
            "previous_secret_until": still(row.previous_secret_until),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


def announced(row: WebhookEndpoint) -> dict[str, object]:
    """What an event tells of it: what its keeper knows it by, and why it is as it is."""
    return {
        "id": encode("whe", row.id),
        "object": "webhook_endpoint",
        "mode": row.mode,
        "url": row.url,
        "description": row.description,
        "event_types": row.event_types,
        "status": row.status,
        "disabled_reason": row.disabled_reason,
        "disabled_at": moment(row.disabled_at),
        "created_at": moment(row.created_at),
    }


def still(until: datetime | None) -> datetime | None:
    """The moment, if it is to come."""
    return until if until is not None and until > clock.now() else None


def delivery(row: WebhookDelivery) -> DeliveryShown:
    return DeliveryShown.model_validate(_of(row))


def whole(caller: CallerInfo, row: WebhookDelivery, attempts: Sequence[WebhookAttempt]) -> DeliveryRead:
    """With its attempts; what was sent is for those alone who may read the event."""
    may_read = subscriptions.may_read(caller, row.event_type)
    shown = [_attempt(one, with_body=may_read) for one in attempts]
    return DeliveryRead.model_validate(_of(row) | {"attempts": shown})


def _of(row: WebhookDelivery) -> dict[str, object]:
    return {
        "id": row.id,
        "endpoint_id": row.endpoint_id,
        "url": row.url,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "task_id": row.task_id,
        "is_test": row.payload is not None,
        "status": row.status,
        "attempt_count": row.attempts,
        "response_status": row.response_status,
        "error": row.error,
        "next_attempt_at": row.due_at if row.status == DeliveryStatus.PENDING else None,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def _attempt(row: WebhookAttempt, *, with_body: bool) -> AttemptShown:
    response = None
    if row.status is not None:
        response = AttemptResponse(status=row.status, headers=row.response_headers or {}, body=row.response_body or "")
    error = AttemptError.model_validate({"code": row.error, "message": row.detail or ""}) if row.error else None
    request = AttemptRequest(url=row.url, headers=row.request_headers, body=row.request_body if with_body else None)
    return AttemptShown(
        number=row.number,
        started_at=row.started_at,
        duration=round(row.seconds, 3),
        request=request,
        response=response,
        error=error,
    )
