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

from ..models.grant_kind import GrantKind, check_grant_kind
from ..types import UNSET, Unset

T = TypeVar("T", bound="GrantRead")


@_attrs_define
class GrantRead:
    """Credits that came in at once, and what is left of them.

    Attributes:
        id (str):
        kind (GrantKind): How credits came in; the kind of the transfer too.
        amount (float): Credits, with at most six decimals.
        remaining (float): What may still be spent of it.
        priority (int): Lower ones are used up first.
        expires_at (datetime.datetime | None): From then on it cannot be spent; null: never.
        reason (str):
        created_at (datetime.datetime):
        object_ (Literal['credit_grant'] | Unset):  Default: 'credit_grant'.
    """

    id: str
    kind: GrantKind
    amount: float
    remaining: float
    priority: int
    expires_at: datetime.datetime | None
    reason: str
    created_at: datetime.datetime
    object_: Literal["credit_grant"] | Unset = "credit_grant"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        kind: str = self.kind

        amount = self.amount

        remaining = self.remaining

        priority = self.priority

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        reason = self.reason

        created_at = self.created_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "kind": kind,
                "amount": amount,
                "remaining": remaining,
                "priority": priority,
                "expires_at": expires_at,
                "reason": reason,
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

        kind = check_grant_kind(d.pop("kind"))

        amount = d.pop("amount")

        remaining = d.pop("remaining")

        priority = d.pop("priority")

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        reason = d.pop("reason")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        object_ = cast(Literal["credit_grant"] | Unset, d.pop("object", UNSET))
        if object_ != "credit_grant" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'credit_grant', got '{object_}'")

        grant_read = cls(
            id=id,
            kind=kind,
            amount=amount,
            remaining=remaining,
            priority=priority,
            expires_at=expires_at,
            reason=reason,
            created_at=created_at,
            object_=object_,
        )

        grant_read.additional_properties = d
        return grant_read

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
