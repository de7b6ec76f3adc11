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

T = TypeVar("T", bound="OauthCodeRead")


@_attrs_define
class OauthCodeRead:
    """What a redirect would have carried in its fragment.

    Attributes:
        code (str):
        expires_in (int): Seconds.
        object_ (Literal['oauth_code'] | Unset):  Default: 'oauth_code'.
    """

    code: str
    expires_in: int
    object_: Literal["oauth_code"] | Unset = "oauth_code"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        expires_in = self.expires_in

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "expires_in": expires_in,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        expires_in = d.pop("expires_in")

        object_ = cast(Literal["oauth_code"] | Unset, d.pop("object", UNSET))
        if object_ != "oauth_code" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'oauth_code', got '{object_}'")

        oauth_code_read = cls(
            code=code,
            expires_in=expires_in,
            object_=object_,
        )

        oauth_code_read.additional_properties = d
        return oauth_code_read

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
