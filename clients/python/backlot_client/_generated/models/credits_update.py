from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="CreditsUpdate")


@_attrs_define
class CreditsUpdate:
    """When the workspace is to be told that its credits run low.

    Attributes:
        low_mark (float): `credits.low` is told when `balance` and `held` together fall below it; 0: never.
    """

    low_mark: float

    def to_dict(self) -> dict[str, Any]:
        low_mark = self.low_mark

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "low_mark": low_mark,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        low_mark = d.pop("low_mark")

        credits_update = cls(
            low_mark=low_mark,
        )

        return credits_update
