from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.task_status import TaskStatus, check_task_status

if TYPE_CHECKING:
    from ..models.asset_read import AssetRead
    from ..models.batch_item_error import BatchItemError
    from ..models.task_credits import TaskCredits


T = TypeVar("T", bound="BatchItemRead")


@_attrs_define
class BatchItemRead:
    """
    Attributes:
        index (int): Its place in the order, from 0.
        filename (None | str):
        status (TaskStatus):
        task_id (None | str): Null when the item was refused, or its task was deleted.
        outputs (list[AssetRead]):
        error (BatchItemError | None):
        credits (TaskCredits):
        metadata (Any):
    """

    index: int
    filename: None | str
    status: TaskStatus
    task_id: None | str
    outputs: list[AssetRead]
    error: BatchItemError | None
    credits: TaskCredits
    metadata: Any
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.batch_item_error import BatchItemError  # noqa: PLC0415

        index = self.index

        filename: None | str
        filename = self.filename

        status: str = self.status

        task_id: None | str
        task_id = self.task_id

        outputs = []
        for outputs_item_data in self.outputs:
            outputs_item = outputs_item_data.to_dict()
            outputs.append(outputs_item)

        error: dict[str, Any] | None
        if isinstance(self.error, BatchItemError):
            error = self.error.to_dict()
        else:
            error = self.error

        credits = self.credits.to_dict()

        metadata = self.metadata

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "index": index,
                "filename": filename,
                "status": status,
                "task_id": task_id,
                "outputs": outputs,
                "error": error,
                "credits": credits,
                "metadata": metadata,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.asset_read import AssetRead  # noqa: PLC0415
        from ..models.batch_item_error import BatchItemError  # noqa: PLC0415
        from ..models.task_credits import TaskCredits  # noqa: PLC0415

        d = dict(src_dict)
        index = d.pop("index")

        def _parse_filename(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        filename = _parse_filename(d.pop("filename"))

        status = check_task_status(d.pop("status"))

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        outputs = []
        _outputs = d.pop("outputs")
        for outputs_item_data in _outputs:
            outputs_item = AssetRead.from_dict(outputs_item_data)

            outputs.append(outputs_item)

        def _parse_error(data: object) -> BatchItemError | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = BatchItemError.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BatchItemError | None, data)

        error = _parse_error(d.pop("error"))

        credits = TaskCredits.from_dict(d.pop("credits"))

        metadata = d.pop("metadata")

        batch_item_read = cls(
            index=index,
            filename=filename,
            status=status,
            task_id=task_id,
            outputs=outputs,
            error=error,
            credits=credits,
            metadata=metadata,
        )

        batch_item_read.additional_properties = d
        return batch_item_read

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
