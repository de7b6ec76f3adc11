from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.transfer_kind import TransferKind, check_transfer_kind
from ..types import UNSET, Unset

T = TypeVar("T", bound="TransactionRead")


@_attrs_define
class TransactionRead:
    """One movement of credits. Holds are not movements: a task shows here when it is charged.

    Attributes:
        id (str):
        kind (TransferKind):
        amount (float): Signed: what came in is above zero, what went out below.
        balance_before (float): Balance and held together, before.
        balance_after (float): Balance and held together, after.
        reason (str):
        task_id (None | str):
        created_at (datetime.datetime):
        object_ (Literal['credit_transaction'] | Unset):  Default: 'credit_transaction'.
    """

    id: str
    kind: TransferKind
    amount: float
    balance_before: float
    balance_after: float
    reason: str
    task_id: None | str
    created_at: datetime.datetime
    object_: Literal["credit_transaction"] | Unset = "credit_transaction"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        kind: str = self.kind

        amount = self.amount

        balance_before = self.balance_before

        balance_after = self.balance_after

        reason = self.reason

        task_id: None | str
        task_id = self.task_id

        created_at = self.created_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "kind": kind,
                "amount": amount,
                "balance_before": balance_before,
                "balance_after": balance_after,
                "reason": reason,
                "task_id": task_id,
                "created_at": created_at,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        kind = check_transfer_kind(d.pop("kind"))

        amount = d.pop("amount")

        balance_before = d.pop("balance_before")

        balance_after = d.pop("balance_after")

        reason = d.pop("reason")

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        object_ = cast(Literal["credit_transaction"] | Unset, d.pop("object", UNSET))
        if object_ != "credit_transaction" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'credit_transaction', got '{object_}'")

        transaction_read = cls(
            id=id,
            kind=kind,
            amount=amount,
            balance_before=balance_before,
            balance_after=balance_after,
            reason=reason,
            task_id=task_id,
            created_at=created_at,
            object_=object_,
        )

        transaction_read.additional_properties = d
        return transaction_read

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
