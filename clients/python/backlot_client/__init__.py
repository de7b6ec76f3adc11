"""Backlot's API in Python: sync as `Backlot`, async as `AsyncBacklot`."""

from backlot_client._async import AsyncEventStream
from backlot_client._calls import Call
from backlot_client._sync import EventStream
from backlot_client.aio import AsyncBacklot
from backlot_client.client import Backlot
from backlot_client.errors import (
    ApiError,
    AuthenticationError,
    BacklotError,
    Conflict,
    ConnectionFailed,
    FieldError,
    Forbidden,
    InsufficientCredits,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
    WaitTimeout,
    WebhookVerificationError,
)
from backlot_client.events import Event, Reset, TaskEvent
from backlot_client.webhooks import verify_webhook

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "AsyncBacklot",
    "AsyncEventStream",
    "AuthenticationError",
    "Backlot",
    "BacklotError",
    "Call",
    "Conflict",
    "ConnectionFailed",
    "Event",
    "EventStream",
    "FieldError",
    "Forbidden",
    "InsufficientCredits",
    "InvalidRequest",
    "NotFound",
    "RateLimited",
    "Reset",
    "ServerError",
    "TaskEvent",
    "UnexpectedAnswer",
    "WaitTimeout",
    "WebhookVerificationError",
    "verify_webhook",
]
