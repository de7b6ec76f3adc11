"""The types of events customers are told: one registry, which all that reads, filters or documents events goes by.

The models are what the documentation is made of; the data of an event are written as they are in its transaction.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from app.accounts.keys.schemas import ApiKeyRead
from app.accounts.models import Mode, Scope
from app.assets.schemas import ASSET_EXAMPLE, AssetSnapshot
from app.batches.examples import SHOWN
from app.batches.schemas import BatchShown
from app.core.amounts import Credits
from app.core.ids import EventId, WebhookEndpointId, WorkspaceId
from app.core.paging import Page
from app.core.problems import InvalidRequest
from app.feed import examples
from app.generation.examples import PENDING_TASK, TASK
from app.generation.schemas import TaskRead
from app.ledger.schemas import CreditsRead, GrantRead

Json = dict[str, Any]
Data = TypeVar("Data")


class LinksWhenTold(BaseModel):
    """Signed links, made when the event is told; all null when the asset is gone by then."""

    full: str | None
    medium: str | None = Field(description="At most 1024 pixels a side.")
    thumbnail: str | None = Field(description="At most 256 pixels a side.")


class AssetCreated(AssetSnapshot):
    """The asset as it was then, with fresh links."""

    model_config = ConfigDict(json_schema_extra={"examples": [ASSET_EXAMPLE]})

    urls: LinksWhenTold


class CreditsGranted(GrantRead):
    """Credits that came in, and what the workspace has with them."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [examples.CREDITS_GRANTED]})

    balance: Credits = Field(description="What may be spent, with them.")
    held: Credits = Field(description="Set aside for tasks that have not ended.")


class WebhookEndpointTold(BaseModel):
    """A webhook endpoint, and why nothing is sent there any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.WEBHOOK_DISABLED]})

    id: WebhookEndpointId
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    mode: Mode
    url: str
    description: str | None
    event_types: list[str] | None
    status: Literal["disabled"]
    disabled_reason: Literal["gone", "failing"]
    disabled_at: datetime
    created_at: datetime


class Event(BaseModel, Generic[Data]):
    """What happened: the same in lists, streams and webhooks."""

    id: EventId = Field(description="The same wherever it is told: what to know repeats by.")
    object: Literal["event"] = "event"
    type: str
    version: int = Field(description="Of the shape of `data`. Fields are added without a new one.")
    timestamp: datetime = Field(description="When it happened.")
    workspace_id: WorkspaceId
    mode: Mode
    data: Data


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of events: when it is told, what it carries, and who may see it."""

    name: str
    description: str
    data: type[BaseModel]
    example: Json
    scope: Scope
    version: int = 1

    @property
    def title(self) -> str:
        """`task.created` is `TaskCreatedEvent`."""
        return "".join(word.capitalize() for word in self.name.replace(".", "_").split("_")) + "Event"


def _all(scope: Scope, data: type[BaseModel], *told: tuple[str, Json, str]) -> list[EventType]:
    return [EventType(name, description, data, example, scope) for name, example, description in told]


EVENT_TYPES: Mapping[str, EventType] = {
    event_type.name: event_type
    for event_type in (
        *_all(
            Scope.TASKS_READ,
            TaskRead,
            (
                "task.created",
                PENDING_TASK,
                "A task was ordered, by itself or in a batch; or one that failed or was canceled is tried again.",
            ),
            ("task.started", examples.TASK_STARTED, "A task's first call to a provider begins."),
            (
                "task.progress",
                examples.TASK_PROGRESS,
                "A step of a task is done and others follow, or what became of a call has to be found out.",
            ),
            ("task.succeeded", TASK, "A task is done and paid; `outputs` has its results."),
            (
                "task.failed",
                examples.TASK_FAILED,
                "A task ended without results; `error` says why. Nothing was charged.",
            ),
            ("task.canceled", examples.TASK_CANCELED, "A task was called off. Nothing was charged."),
        ),
        *_all(
            Scope.TASKS_READ,
            BatchShown,
            ("batch.completed", SHOWN, "Nothing of a batch is open any more, whatever came of its tasks."),
        ),
        *_all(
            Scope.ASSETS_READ,
            AssetCreated,
            ("asset.created", ASSET_EXAMPLE, "An asset is there: uploaded, imported, or the result of a task."),
        ),
        *_all(
            Scope.ASSETS_READ,
            AssetSnapshot,
            ("asset.deleted", examples.ASSET_GONE, "An asset is gone for everyone."),
        ),
        *_all(
            Scope.CREDITS_READ,
            CreditsGranted,
            ("credits.granted", examples.CREDITS_GRANTED, "Credits were given, or bought."),
        ),
        *_all(
            Scope.CREDITS_READ,
            CreditsRead,
            (
                "credits.low",
                examples.CREDITS_LOW,
                "What is not yet spent (`balance` and `held`) fell below `low_mark`.",
            ),
            ("credits.exhausted", examples.CREDITS_EXHAUSTED, "What is not yet spent fell to zero."),
        ),
        *_all(
            Scope.KEYS_READ,
            ApiKeyRead,
            ("api_key.created", examples.API_KEY_NEW, "An API key was made. Its secret is in no event."),
            ("api_key.updated", examples.API_KEY, "What an API key may do, or its name, was changed."),
            ("api_key.rotated", examples.API_KEY_ROTATED, "An API key has a new secret."),
            (
                "api_key.revoked",
                examples.API_KEY_REVOKED,
                "An API key opens nothing any more; also when its maker left.",
            ),
        ),
        *_all(
            Scope.WEBHOOKS_READ,
            WebhookEndpointTold,
            (
                "webhook_endpoint.disabled",
                examples.WEBHOOK_DISABLED,
                "A webhook endpoint said that it is gone, or failed for days: nothing is sent there any more.",
            ),
        ),
    )
}
"""All there are, by name. What nobody emits is not here."""


def _model(event_type: EventType) -> type[Event[Any]]:
    name: Any = Literal[event_type.name]
    version: Any = Literal[event_type.version]
    return create_model(
        event_type.title,
        __base__=Event[event_type.data],  # type: ignore[name-defined]
        __doc__=event_type.description,
        type=(name, ...),
        version=(version, Field(description="Of the shape of `data`: fields are added without a new one.")),
    )


EVENT_MODELS: Mapping[str, type[Event[Any]]] = {name: _model(found) for name, found in EVENT_TYPES.items()}
"""The event object of each type."""

AnyEvent: Any = Annotated[reduce(or_, EVENT_MODELS.values()), Field(discriminator="type")]
"""Whichever type it is: for the documentation of what tells events."""


class EventPage(Page[AnyEvent]):
    """One page of events, newest first."""


def visible_types(scopes: Collection[str]) -> frozenset[str]:
    """The types a caller with these scopes may see."""
    return frozenset(name for name, found in EVENT_TYPES.items() if found.scope in scopes)


def expand(filters: Iterable[str], pointer: str, *, within: Collection[str] | None = None) -> frozenset[str]:
    """The names that names, and patterns as `task.*` or `*`, stand for, of those `within`.

    Raises InvalidRequest for the first that stands for no type. `pointer` is where the list is: `/event_types`,
    or `query:types`, which is one field however many there are.
    """
    named: set[str] = set()
    for place, pattern in enumerate(filters):
        found = _find(pattern)
        if not found:
            raise InvalidRequest.at(
                f"{pointer}/{place}" if pointer.startswith("/") else pointer,
                f"There are no events {pattern[:100]!r}. Give a type, or `task.*` for all of a kind; there are "
                f"{', '.join(EVENT_TYPES)}.",
                code="unknown_event_type",
            )
        named |= found
    return frozenset(named if within is None else named.intersection(within))


def _find(pattern: str) -> set[str]:
    if pattern == "*":
        return set(EVENT_TYPES)
    if pattern.endswith(".*"):
        return {name for name in EVENT_TYPES if name.startswith(pattern[:-1])}
    return {pattern} & EVENT_TYPES.keys()


EXAMPLE_ID = "evt_01jcqzn5tbf7w8ad3e0k6m2r9h"


def example(name: str) -> Json:
    """The data of an event of that type, as the documentation shows it."""
    return dict(EVENT_TYPES[name].example)


def example_event(name: str) -> Json:
    """The event object around it."""
    return {
        "id": EXAMPLE_ID,
        "object": "event",
        "type": name,
        "version": EVENT_TYPES[name].version,
        "timestamp": "2026-11-21T09:00:02.902113Z",
        "workspace_id": "ws_01jcqzm1g6fn2t0bq4x8v7k3re",
        "mode": "live",
        "data": example(name),
    }
