from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.task_status import TaskStatus, check_task_status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.asset_read import AssetRead
    from ..models.attempt_read import AttemptRead
    from ..models.routing import Routing
    from ..models.step_read import StepRead
    from ..models.task_credits import TaskCredits
    from ..models.task_error import TaskError


T = TypeVar("T", bound="TaskRead")


@_attrs_define
class TaskRead:
    """A task. `outputs` are its results, in full, with fresh links.

    Attributes:
        id (str):
        operation (str):
        status (TaskStatus):
        progress (float): 0 to 1.
        input (Any):
        model (str):
        provider (None | str):
        routing (Routing): Which provider is to be preferred.
        steps (list[StepRead]):
        credits (TaskCredits):
        balance (float): The workspace's balance after the task's last movement of credits.
        estimated_seconds (int): From start to end, by the history of such tasks.
        queue_position (int | None): While it is pending: its place among the workspace's waiting tasks, the next is 1.
        estimated_start_at (datetime.datetime | None): While it is pending: when it may begin.
        attempts (list[AttemptRead]):
        error (None | TaskError):
        batch_id (None | str):
        batch_index (int | None): Which item of the batch it is, from 0.
        webhook_url (None | str): Where its end is told.
        created_at (datetime.datetime):
        started_at (datetime.datetime | None):
        completed_at (datetime.datetime | None):
        metadata (Any):
        outputs (list[AssetRead]):
        object_ (Literal['task'] | Unset):  Default: 'task'.
    """

    id: str
    operation: str
    status: TaskStatus
    progress: float
    input: Any
    model: str
    provider: None | str
    routing: Routing
    steps: list[StepRead]
    credits: TaskCredits
    balance: float
    estimated_seconds: int
    queue_position: int | None
    estimated_start_at: datetime.datetime | None
    attempts: list[AttemptRead]
    error: None | TaskError
    batch_id: None | str
    batch_index: int | None
    webhook_url: None | str
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    completed_at: datetime.datetime | None
    metadata: Any
    outputs: list[AssetRead]
    object_: Literal["task"] | Unset = "task"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.task_error import TaskError  # noqa: PLC0415

        id = self.id

        operation = self.operation

        status: str = self.status

        progress = self.progress

        input = self.input

        model = self.model

        provider: None | str
        provider = self.provider

        routing = self.routing.to_dict()

        steps = []
        for steps_item_data in self.steps:
            steps_item = steps_item_data.to_dict()
            steps.append(steps_item)

        credits = self.credits.to_dict()

        balance = self.balance

        estimated_seconds = self.estimated_seconds

        queue_position: int | None
        queue_position = self.queue_position

        estimated_start_at: None | str
        if isinstance(self.estimated_start_at, datetime.datetime):
            estimated_start_at = self.estimated_start_at.isoformat()
        else:
            estimated_start_at = self.estimated_start_at

        attempts = []
        for attempts_item_data in self.attempts:
            attempts_item = attempts_item_data.to_dict()
            attempts.append(attempts_item)

        error: dict[str, Any] | None
        if isinstance(self.error, TaskError):
            error = self.error.to_dict()
        else:
            error = self.error

        batch_id: None | str
        batch_id = self.batch_id

        batch_index: int | None
        batch_index = self.batch_index

        webhook_url: None | str
        webhook_url = self.webhook_url

        created_at = self.created_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        completed_at: None | str
        if isinstance(self.completed_at, datetime.datetime):
            completed_at = self.completed_at.isoformat()
        else:
            completed_at = self.completed_at

        metadata = self.metadata

        outputs = []
        for outputs_item_data in self.outputs:
            outputs_item = outputs_item_data.to_dict()
            outputs.append(outputs_item)

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "operation": operation,
                "status": status,
                "progress": progress,
                "input": input,
                "model": model,
                "provider": provider,
                "routing": routing,
                "steps": steps,
                "credits": credits,
                "balance": balance,
                "estimated_seconds": estimated_seconds,
                "queue_position": queue_position,
                "estimated_start_at": estimated_start_at,
                "attempts": attempts,
                "error": error,
                "batch_id": batch_id,
                "batch_index": batch_index,
                "webhook_url": webhook_url,
                "created_at": created_at,
                "started_at": started_at,
                "completed_at": completed_at,
                "metadata": metadata,
                "outputs": outputs,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.asset_read import AssetRead  # noqa: PLC0415
        from ..models.attempt_read import AttemptRead  # noqa: PLC0415
        from ..models.routing import Routing  # noqa: PLC0415
        from ..models.step_read import StepRead  # noqa: PLC0415
        from ..models.task_credits import TaskCredits  # noqa: PLC0415
        from ..models.task_error import TaskError  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        operation = d.pop("operation")

        status = check_task_status(d.pop("status"))

        progress = d.pop("progress")

        input = d.pop("input")

        model = d.pop("model")

        def _parse_provider(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        provider = _parse_provider(d.pop("provider"))

        routing = Routing.from_dict(d.pop("routing"))

        steps = []
        _steps = d.pop("steps")
        for steps_item_data in _steps:
            steps_item = StepRead.from_dict(steps_item_data)

            steps.append(steps_item)

        credits = TaskCredits.from_dict(d.pop("credits"))

        balance = d.pop("balance")

        estimated_seconds = d.pop("estimated_seconds")

        def _parse_queue_position(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        queue_position = _parse_queue_position(d.pop("queue_position"))

        def _parse_estimated_start_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                estimated_start_at_type_0 = datetime.datetime.fromisoformat(data)

                return estimated_start_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        estimated_start_at = _parse_estimated_start_at(d.pop("estimated_start_at"))

        attempts = []
        _attempts = d.pop("attempts")
        for attempts_item_data in _attempts:
            attempts_item = AttemptRead.from_dict(attempts_item_data)

            attempts.append(attempts_item)

        def _parse_error(data: object) -> None | TaskError:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = TaskError.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TaskError, data)

        error = _parse_error(d.pop("error"))

        def _parse_batch_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        batch_id = _parse_batch_id(d.pop("batch_id"))

        def _parse_batch_index(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        batch_index = _parse_batch_index(d.pop("batch_index"))

        def _parse_webhook_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        webhook_url = _parse_webhook_url(d.pop("webhook_url"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_completed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                completed_at_type_0 = datetime.datetime.fromisoformat(data)

                return completed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        metadata = d.pop("metadata")

        outputs = []
        _outputs = d.pop("outputs")
        for outputs_item_data in _outputs:
            outputs_item = AssetRead.from_dict(outputs_item_data)

            outputs.append(outputs_item)

        object_ = cast(Literal["task"] | Unset, d.pop("object", UNSET))
        if object_ != "task" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'task', got '{object_}'")

        task_read = cls(
            id=id,
            operation=operation,
            status=status,
            progress=progress,
            input=input,
            model=model,
            provider=provider,
            routing=routing,
            steps=steps,
            credits=credits,
            balance=balance,
            estimated_seconds=estimated_seconds,
            queue_position=queue_position,
            estimated_start_at=estimated_start_at,
            attempts=attempts,
            error=error,
            batch_id=batch_id,
            batch_index=batch_index,
            webhook_url=webhook_url,
            created_at=created_at,
            started_at=started_at,
            completed_at=completed_at,
            metadata=metadata,
            outputs=outputs,
            object_=object_,
        )

        task_read.additional_properties = d
        return task_read

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
