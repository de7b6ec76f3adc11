from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="TaskCredits")


@_attrs_define
class TaskCredits:
    """
    Attributes:
        quoted (float): Credits, with at most six decimals.
        held (float): Credits, with at most six decimals.
        charged (float): Credits, with at most six decimals.
    """

    quoted: float
    held: float
    charged: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        quoted = self.quoted

        held = self.held

        charged = self.charged

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "quoted": quoted,
                "held": held,
                "charged": charged,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        quoted = d.pop("quoted")

        held = d.pop("held")

        charged = d.pop("charged")

        task_credits = cls(
            quoted=quoted,
            held=held,
            charged=charged,
        )

        task_credits.additional_properties = d
        return task_credits

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
