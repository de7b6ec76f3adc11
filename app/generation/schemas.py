"""Tasks on the wire."""

from datetime import datetime
from math import isfinite
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.assets.schemas import AssetRead
from app.core.amounts import Credits
from app.core.ids import AssetId, BatchId, TaskId
from app.core.wire import UNSTORABLE, Text
from app.generation import examples
from app.generation.models import AttemptStatus, StepStatus, TaskStatus
from app.providers.base import ErrorCode

T = TypeVar("T")

MetadataKey = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
MAX_METADATA_TEXT = 500


def _metadata_value(value: Any) -> Any:
    """One finding for one value, where a union would give one for each of its members."""
    match value:
        case None | bool() | int():
            return value
        case float() if isfinite(value):
            return value
        case str() if len(value) <= MAX_METADATA_TEXT and not UNSTORABLE.search(value):
            return value
    raise PydanticCustomError("metadata_value", "Give a text of at most 500 characters, a number, true, false or null.")


MetadataValue = Annotated[
    Any,
    PlainValidator(_metadata_value),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"], "maxLength": MAX_METADATA_TEXT}),
]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)]


class Routing(BaseModel):
    """Which provider is to be preferred."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    prefer: Literal["quality", "cost", "speed"] = "quality"
    fallback: bool = Field(default=True, description="Whether another provider may take over.")


class TaskCreate(BaseModel):
    """An order: what is to be done, to what, and how."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [examples.ORDER]}
    )

    operation: Annotated[str, Field(max_length=64, description="One of `GET /v1/operations`.")]
    input: dict[str, Any] = Field(description="As the operation's `input_schema` says.")
    model: Annotated[str, Field(min_length=1, max_length=100)] = "auto"
    provider: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    routing: Routing = Routing()
    webhook_url: Annotated[Text, Field(max_length=2000)] | None = Field(
        default=None,
        description="https, where the end of the task is told: `task.succeeded`, `task.failed` or `task.canceled`, "
        "signed with the workspace's secret (`POST /v1/webhook-signing-secret/rotate`).",
    )
    metadata: Metadata = Field(default_factory=dict, description="Yours: kept, shown, and searchable.")


class TaskCredits(BaseModel):
    quoted: Credits
    held: Credits
    charged: Credits


class StepRead(BaseModel):
    name: str
    status: StepStatus
    asset_id: AssetId | None
    asset_ids: list[AssetId]


class TaskError(BaseModel):
    code: ErrorCode
    message: str
    retryable: bool
    provider: str | None


class AttemptRead(BaseModel):
    step: str
    provider: str
    model: str
    status: AttemptStatus
    error: TaskError | None
    duration: float | None = Field(description="Seconds.")


class TaskSnapshot(BaseModel):
    """A task as it was at one moment, without its results: what an event keeps."""

    id: TaskId
    object: Literal["task"] = "task"
    operation: str
    status: TaskStatus
    progress: float = Field(description="0 to 1.")
    input: dict[str, Any]
    model: str
    provider: str | None
    routing: Routing
    steps: list[StepRead]
    credits: TaskCredits
    balance: Credits = Field(description="The workspace's balance after the task's last movement of credits.")
    estimated_seconds: int = Field(description="From start to end, by the history of such tasks.")
    queue_position: int | None = Field(
        description="While it is pending: its place among the workspace's waiting tasks, the next is 1."
    )
    estimated_start_at: datetime | None = Field(description="While it is pending: when it may begin.")
    attempts: list[AttemptRead]
    error: TaskError | None
    batch_id: BatchId | None
    batch_index: int | None = Field(description="Which item of the batch it is, from 0.")
    webhook_url: str | None = Field(description="Where its end is told.")
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    metadata: dict[str, Any]


class TaskRead(TaskSnapshot):
    """A task. `outputs` are its results, in full, with fresh links."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TASK]})

    outputs: list[AssetRead]


class QuotedCredits(BaseModel):
    quoted: Credits


class Quote(BaseModel):
    """What a task would cost. Nothing is kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.QUOTE]})

    credits: QuotedCredits
    model: str
    provider: str
    estimated_seconds: int


class ModelRead(BaseModel):
    provider: str
    model: str
    title: str
    price: Credits = Field(description="Credits for one output.")
    steps: list[str]


class OperationRead(BaseModel):
    """An operation: what it takes, who does it, what it costs."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.OPERATION]})

    name: str
    object: Literal["operation"] = "operation"
    description: str
    input_schema: dict[str, Any] = Field(description="JSON Schema of a task's `input`.")
    price: Credits = Field(description="Credits for one output with the model `auto` takes.")
    models: list[ModelRead]


class ValueRange(BaseModel):
    """From `least` to `most`, both included, null where there is no bound; of a text, its length."""

    least: int | float | None
    most: int | float | None
    multiple: int | None = Field(description="Only whole multiples of it, where not null.")


class ModelOffer(BaseModel):
    """One way to have an operation done by a model."""

    operation: str
    provider: str
    price: Credits = Field(description="Credits for one output.")
    parameters: list[str] | None = Field(description="The optional ones it honours; null: all of them.")
    values: dict[str, list[bool | int | float | str] | ValueRange] = Field(
        description="What it takes for a parameter, where that is less than the operation's schema allows."
    )
    sizes: list[str] | None = Field(description="All it makes, as `1024x768`; null where any within its limits.")
    ratios: list[str] | None = Field(description="All shapes it makes, as `16:9`; null where any.")
    estimated_seconds: float = Field(description="Of one output, before there is history.")
    quality: int = Field(description="1 to 5: what `prefer: quality` goes by.")


class ModelShown(BaseModel):
    """A model by its name, whoever serves it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MODEL]})

    id: str
    object: Literal["model"] = "model"
    title: str
    owned_by: str = Field(description="The first of its providers.")
    aliases: list[str]
    offers: list[ModelOffer]


class PresetRead(BaseModel):
    """A studio style."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [examples.PRESET]})

    id: str
    object: Literal["preset"] = "preset"
    name: str
    category: str
    description: str
    prompt: str
    negative_prompt: str


class Listing(BaseModel, Generic[T]):
    """All of them: these lists are short."""

    data: list[T]
    next_cursor: None = None
