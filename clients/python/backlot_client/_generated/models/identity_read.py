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

from ..types import UNSET, Unset

T = TypeVar("T", bound="IdentityRead")


@_attrs_define
class IdentityRead:
    """An identity elsewhere that signs you in here.

    Attributes:
        id (str):
        provider (None | str): `google`, `github`, or null for another issuer the operator trusts.
        issuer (str):
        email (None | str): What the issuer said. It may differ from your account's address.
        created_at (datetime.datetime):
        last_used_at (datetime.datetime | None):
        object_ (Literal['identity'] | Unset):  Default: 'identity'.
    """

    id: str
    provider: None | str
    issuer: str
    email: None | str
    created_at: datetime.datetime
    last_used_at: datetime.datetime | None
    object_: Literal["identity"] | Unset = "identity"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        provider: None | str
        provider = self.provider

        issuer = self.issuer

        email: None | str
        email = self.email

        created_at = self.created_at.isoformat()

        last_used_at: None | str
        if isinstance(self.last_used_at, datetime.datetime):
            last_used_at = self.last_used_at.isoformat()
        else:
            last_used_at = self.last_used_at

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "provider": provider,
                "issuer": issuer,
                "email": email,
                "created_at": created_at,
                "last_used_at": last_used_at,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        def _parse_provider(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        provider = _parse_provider(d.pop("provider"))

        issuer = d.pop("issuer")

        def _parse_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        email = _parse_email(d.pop("email"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_last_used_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_used_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_used_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_used_at = _parse_last_used_at(d.pop("last_used_at"))

        object_ = cast(Literal["identity"] | Unset, d.pop("object", UNSET))
        if object_ != "identity" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'identity', got '{object_}'")

        identity_read = cls(
            id=id,
            provider=provider,
            issuer=issuer,
            email=email,
            created_at=created_at,
            last_used_at=last_used_at,
            object_=object_,
        )

        identity_read.additional_properties = d
        return identity_read

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
