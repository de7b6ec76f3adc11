from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ValueRange")


@_attrs_define
class ValueRange:
    """From `least` to `most`, both included, null where there is no bound; of a text, its length.

    Attributes:
        least (float | int | None):
        most (float | int | None):
        multiple (int | None): Only whole multiples of it, where not null.
    """

    least: float | int | None
    most: float | int | None
    multiple: int | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        least: float | int | None
        least = self.least

        most: float | int | None
        most = self.most

        multiple: int | None
        multiple = self.multiple

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "least": least,
                "most": most,
                "multiple": multiple,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_least(data: object) -> float | int | None:
            if data is None:
                return data
            return cast(float | int | None, data)

        least = _parse_least(d.pop("least"))

        def _parse_most(data: object) -> float | int | None:
            if data is None:
                return data
            return cast(float | int | None, data)

        most = _parse_most(d.pop("most"))

        def _parse_multiple(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        multiple = _parse_multiple(d.pop("multiple"))

        value_range = cls(
            least=least,
            most=most,
            multiple=multiple,
        )

        value_range.additional_properties = d
        return value_range

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
