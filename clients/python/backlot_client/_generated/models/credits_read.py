from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CreditsRead")


@_attrs_define
class CreditsRead:
    """What the workspace has.

    Attributes:
        balance (float): What may be spent now.
        held (float): Set aside for tasks that have not ended.
        total_earned (float): All credits ever granted or bought.
        total_spent (float): All credits ever charged, less refunds.
        low_mark (float): Below it, `balance` and `held` together, the workspace is told `credits.low`; 0: never.
    """

    balance: float
    held: float
    total_earned: float
    total_spent: float
    low_mark: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        balance = self.balance

        held = self.held

        total_earned = self.total_earned

        total_spent = self.total_spent

        low_mark = self.low_mark

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "balance": balance,
                "held": held,
                "total_earned": total_earned,
                "total_spent": total_spent,
                "low_mark": low_mark,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        balance = d.pop("balance")

        held = d.pop("held")

        total_earned = d.pop("total_earned")

        total_spent = d.pop("total_spent")

        low_mark = d.pop("low_mark")

        credits_read = cls(
            balance=balance,
            held=held,
            total_earned=total_earned,
            total_spent=total_spent,
            low_mark=low_mark,
        )

        credits_read.additional_properties = d
        return credits_read

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
