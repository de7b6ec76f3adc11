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

from ..types import UNSET, Unset

T = TypeVar("T", bound="MailPromised")


@_attrs_define
class MailPromised:
    """The same for every address.

    Attributes:
        object_ (Literal['mail'] | Unset):  Default: 'mail'.
        message (str | Unset):  Default: 'If the address can be used, a mail is on its way.'.
    """

    object_: Literal["mail"] | Unset = "mail"
    message: str | Unset = "If the address can be used, a mail is on its way."
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        object_ = self.object_

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if object_ is not UNSET:
            field_dict["object"] = object_
        if message is not UNSET:
            field_dict["message"] = message

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        object_ = cast(Literal["mail"] | Unset, d.pop("object", UNSET))
        if object_ != "mail" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'mail', got '{object_}'")

        message = d.pop("message", UNSET)

        mail_promised = cls(
            object_=object_,
            message=message,
        )

        mail_promised.additional_properties = d
        return mail_promised

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
