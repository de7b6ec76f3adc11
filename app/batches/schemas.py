"""Batches on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.assets.schemas import AssetRead
from app.batches import examples
from app.core.ids import BatchId, TaskId
from app.core.wire import Text
from app.generation.models import TaskStatus
from app.generation.schemas import Metadata, Routing, TaskCredits

MOST_ITEMS = 500


class BatchItemCreate(BaseModel):
    """One order of the batch."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    filename: Annotated[Text, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="Yours: kept and shown, to tell the items apart."
    )
    input: dict[str, Any] = Field(default_factory=dict, description="Laid over `defaults`, field by field.")
    metadata: Metadata = Field(default_factory=dict, description="Of the task.")


class BatchCreate(BaseModel):
    """The same operation on many inputs."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_extra={"examples": [examples.ORDER]}
    )

    operation: Annotated[str, Field(max_length=64, description="One of `GET /v1/operations`.")]
    items: Annotated[list[BatchItemCreate], Field(min_length=1, max_length=MOST_ITEMS)]
    defaults: dict[str, Any] = Field(default_factory=dict, description="Input fields of all items.")
    model: Annotated[str, Field(min_length=1, max_length=100)] = "auto"
    provider: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    routing: Routing = Routing()
    metadata: Metadata = Field(default_factory=dict, description="Yours: kept and shown.")


class BatchSummary(BaseModel):
    """How many items are where. What is reconciling counts as processing; what was refused, as failed."""

    total: int
    pending: int
    processing: int
    succeeded: int
    failed: int
    canceled: int
    credits: TaskCredits


class BatchShown(BaseModel):
    """A batch without its items."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SHOWN]})

    id: BatchId
    object: Literal["batch"] = "batch"
    operation: str
    status: Literal["pending", "processing", "completed", "canceled"] = Field(
        description="`completed` when nothing is open any more, whatever came of it; `canceled` after a cancel."
    )
    model: str
    provider: str | None
    routing: Routing
    summary: BatchSummary
    created_at: datetime
    completed_at: datetime | None
    metadata: dict[str, Any]


class BatchItemError(BaseModel):
    """Why an item failed: the error of its task, or the problem it was refused for."""

    code: str = Field(description="As in a task's `error`, or a problem's code where there is no task.")
    message: str
    retryable: bool
    provider: str | None
    pointer: str | None = Field(description="The field of the order, where the item was refused.")


class BatchItemRead(BaseModel):
    index: int = Field(description="Its place in the order, from 0.")
    filename: str | None
    status: TaskStatus
    task_id: TaskId | None = Field(description="Null when the item was refused, or its task was deleted.")
    outputs: list[AssetRead]
    error: BatchItemError | None
    credits: TaskCredits
    metadata: dict[str, Any]


class BatchRead(BatchShown):
    """A batch with all its items."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.BATCH]})

    items: list[BatchItemRead]
