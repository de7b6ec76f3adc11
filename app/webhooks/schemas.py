"""Webhook endpoints, their secrets and deliveries on the wire."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.accounts.models import Mode
from app.core.egress import MAX_URL_LENGTH
from app.core.ids import EventId, TaskId, WebhookDeliveryId, WebhookEndpointId
from app.core.wire import Moment, Text
from app.webhooks import examples
from app.webhooks.models import DeliveryStatus, DisabledReason, EndpointStatus

MAX_OVERLAP_SECONDS = 7 * 86400
MOST_HEADERS = 20
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,998}[\x21-\x7e])?")
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)


def _once_each(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _headers(given: dict[str, str]) -> dict[str, str]:
    if len({name.lower() for name in given}) != len(given):
        raise PydanticCustomError("header", "A header is there twice: their names are the same in any case.")
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name):
            raise PydanticCustomError("header", "Not the name of a header: {name}.", {"name": repr(name)})
        if name.lower() in _OURS or name.lower().startswith("webhook-"):
            raise PydanticCustomError("header", "{name} is set by the sender: choose another.", {"name": name})
        if not _HEADER_VALUE.fullmatch(value):
            raise PydanticCustomError(
                "header",
                "The value of {name} must be 1 to 1000 printable ASCII characters, without spaces around.",
                {"name": name},
            )
    return given


Url = Annotated[Text, Field(min_length=1, max_length=MAX_URL_LENGTH, description="https.")]
Description = Annotated[Text, Field(max_length=500, description="Yours: kept and shown.")]
EventTypes = Annotated[
    list[Annotated[Text, Field(max_length=100)]],
    AfterValidator(_once_each),
    Field(
        min_length=1,
        max_length=50,
        description="Types, and `task.*` for all of a kind, that you may read. Null: all there are, and will be.",
        examples=[["task.succeeded", "task.failed"]],
    ),
]
Headers = Annotated[
    dict[str, Annotated[str, Field(max_length=1000)]],
    AfterValidator(_headers),
    Field(
        max_length=MOST_HEADERS,
        description="Sent with each delivery, as what your gateway asks for. Values are not shown again.",
    ),
]


class WebhookEndpointCreate(BaseModel):
    """Where events are to be sent, and which."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [examples.ENDPOINT_CREATE]}
    )

    url: Url
    event_types: EventTypes | None = None
    description: Description | None = None
    headers: Headers = Field(default_factory=dict)


class WebhookEndpointUpdate(BaseModel):
    """What is to be changed. What is left out stays."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"status": "enabled"}]}
    )

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    headers: Headers | None = Field(default=None, description="All of them; null takes them away.")
    status: Annotated[EndpointStatus, Field(strict=False)] | None = Field(
        default=None, description="What happens while an endpoint is disabled is not kept for it."
    )

    @field_validator("url", "status", mode="before")
    @classmethod
    def _is_never_null(cls, value: Any) -> Any:
        if value is None:
            raise PydanticCustomError("not_nullable", "Cannot be null: leave it out.")
        return value


class SecretRotate(BaseModel):
    """How the old secret ends."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"overlap_seconds": 3600}]}
    )

    overlap_seconds: int = Field(
        default=86400, ge=0, le=MAX_OVERLAP_SECONDS, description="How long the old secret signs too. 0: it leaked."
    )


class WebhookTest(BaseModel):
    """Which example is to be sent."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [{"type": "task.succeeded"}]}
    )

    type: Annotated[Text, Field(max_length=100)] | None = Field(
        default=None, description="Of the event; default: the first the endpoint wants."
    )


class RangeRedeliver(BaseModel):
    """Which events are to be sent again: those of a time."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"after": "2026-11-21T00:00:00Z", "include": "undelivered"}]},
    )

    after: Moment = Field(description="The event happened then or later; as far as the log goes back.")
    before: Moment | None = Field(default=None, description="And before; default: now.")
    include: Literal["failed", "undelivered", "all"] = Field(
        default="undelivered",
        description="`failed`: those given up. `undelivered`: all that did not arrive, also what happened while the "
        "endpoint was disabled or not there yet. `all`: those that arrived too.",
    )
    cursor: Annotated[Text, Field(max_length=200)] | None = Field(
        default=None, description="`next_cursor` of the answer before, with the rest unchanged."
    )

    @model_validator(mode="after")
    def _has_a_length(self) -> "RangeRedeliver":
        if self.before is not None and self.before <= self.after:
            raise PydanticCustomError("range", "`before` must be later than `after`.")
        return self


class WebhookEndpointRead(BaseModel):
    """Where events are sent, and which. Without its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ENDPOINT]})

    id: WebhookEndpointId
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    mode: Mode
    url: str
    description: str | None
    event_types: list[str] | None
    header_names: list[str]
    status: EndpointStatus
    disabled_reason: DisabledReason | None = Field(
        description="`user`: somebody did. `gone`: it answered 410. `failing`: nothing else than failures for 5 days."
    )
    disabled_at: datetime | None
    failing_since: datetime | None = Field(description="While every attempt fails: since when.")
    public_key: str = Field(description="Verifies the `v1a` signatures.")
    secret_rotated_at: datetime | None
    previous_secret_until: datetime | None = Field(description="While the old secret signs too.")
    created_at: datetime
    updated_at: datetime


class WebhookEndpointSecret(WebhookEndpointRead):
    """An endpoint with its secret, shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ENDPOINT | examples.SECRET]})

    secret: str = Field(description="Verifies the `v1` signatures. Keep it now: it cannot be shown again.")


class SigningSecretRead(BaseModel):
    """What signs deliveries to the `webhook_url` of tasks."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SIGNING_SECRET]})

    object: Literal["webhook_signing_secret"] = "webhook_signing_secret"
    mode: Mode
    public_key: str = Field(description="Verifies the `v1a` signatures.")
    rotated_at: datetime | None = Field(description="Null: nobody was shown a secret yet; rotate to get one.")
    previous_secret_until: datetime | None


class SigningSecretShown(SigningSecretRead):
    """The same with the secret, shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SIGNING_SECRET | examples.SECRET]})

    secret: str = Field(description="Verifies the `v1` signatures. Keep it now: it cannot be shown again.")


class DeliveryShown(BaseModel):
    """An event on its way to one place."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.DELIVERY]})

    id: WebhookDeliveryId
    object: Literal["webhook_delivery"] = "webhook_delivery"
    endpoint_id: WebhookEndpointId | None
    url: str | None = Field(description="Of a task, where its order named one; else that of the endpoint counts.")
    event_id: EventId = Field(description="Sent as `webhook-id`, whichever attempt it is.")
    event_type: str
    task_id: TaskId | None
    is_test: bool
    status: DeliveryStatus = Field(description="`discarded`: the endpoint was disabled or deleted before it arrived.")
    attempt_count: int
    response_status: int | None = Field(description="Of the latest attempt.")
    error: str | None = Field(description="Why the latest attempt failed: its code.")
    next_attempt_at: datetime | None
    created_at: datetime
    ended_at: datetime | None


class AttemptRequest(BaseModel):
    url: str
    headers: dict[str, str]
    body: str | None = Field(description="Null where you may not read events of this type.")


class AttemptResponse(BaseModel):
    status: int
    headers: dict[str, str]
    body: str = Field(description="Its beginning.")


class AttemptError(BaseModel):
    code: Literal[
        "status", "timeout", "dns", "connection", "tls", "address", "scheme", "internal", "interrupted", "expired"
    ]
    message: str


class AttemptShown(BaseModel):
    """What was sent, and what came back."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ATTEMPT]})

    number: int
    started_at: datetime
    duration: float = Field(description="Seconds.")
    request: AttemptRequest
    response: AttemptResponse | None
    error: AttemptError | None


class DeliveryRead(DeliveryShown):
    """A delivery with all its attempts."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.DELIVERY | {"attempts": [examples.ATTEMPT]}]})

    attempts: list[AttemptShown]


class Redelivered(BaseModel):
    """How many are on their way again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"queued": 42, "next_cursor": None}]})

    queued: int
    next_cursor: str | None = Field(description="There may be more: ask again with it as `cursor`. Null: that was all.")
