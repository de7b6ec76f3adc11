from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.task_credits import TaskCredits


T = TypeVar("T", bound="BatchSummary")


@_attrs_define
class BatchSummary:
    """How many items are where. What is reconciling counts as processing; what was refused, as failed.

    Attributes:
        total (int):
        pending (int):
        processing (int):
        succeeded (int):
        failed (int):
        canceled (int):
        credits (TaskCredits):
    """

    total: int
    pending: int
    processing: int
    succeeded: int
    failed: int
    canceled: int
    credits: TaskCredits
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total = self.total

        pending = self.pending

        processing = self.processing

        succeeded = self.succeeded

        failed = self.failed

        canceled = self.canceled

        credits = self.credits.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total": total,
                "pending": pending,
                "processing": processing,
                "succeeded": succeeded,
                "failed": failed,
                "canceled": canceled,
                "credits": credits,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_credits import TaskCredits  # noqa: PLC0415

        d = dict(src_dict)
        total = d.pop("total")

        pending = d.pop("pending")

        processing = d.pop("processing")

        succeeded = d.pop("succeeded")

        failed = d.pop("failed")

        canceled = d.pop("canceled")

        credits = TaskCredits.from_dict(d.pop("credits"))

        batch_summary = cls(
            total=total,
            pending=pending,
            processing=processing,
            succeeded=succeeded,
            failed=failed,
            canceled=canceled,
            credits=credits,
        )

        batch_summary.additional_properties = d
        return batch_summary

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
