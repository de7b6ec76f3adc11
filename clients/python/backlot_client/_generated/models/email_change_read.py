from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.email_change_read_status import (
    EmailChangeReadStatus,
    check_email_change_read_status,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="EmailChangeRead")


@_attrs_define
class EmailChangeRead:
    """How far the change of an address is.

    Attributes:
        status (EmailChangeReadStatus): `waiting` for the link in the other mailbox.
        object_ (Literal['email_change'] | Unset):  Default: 'email_change'.
    """

    status: EmailChangeReadStatus
    object_: Literal["email_change"] | Unset = "email_change"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: str = self.status

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = check_email_change_read_status(d.pop("status"))

        object_ = cast(Literal["email_change"] | Unset, d.pop("object", UNSET))
        if object_ != "email_change" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'email_change', got '{object_}'")

        email_change_read = cls(
            status=status,
            object_=object_,
        )

        email_change_read.additional_properties = d
        return email_change_read

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
