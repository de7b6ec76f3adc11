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

T = TypeVar("T", bound="DeletionRead")


@_attrs_define
class DeletionRead:
    """An account that is to be deleted, or is not any more.

    Attributes:
        id (str):
        erase_at (datetime.datetime | None): Until then `POST /v1/me/restore` keeps the account; null: it is kept.
        object_ (Literal['account_deletion'] | Unset):  Default: 'account_deletion'.
    """

    id: str
    erase_at: datetime.datetime | None
    object_: Literal["account_deletion"] | Unset = "account_deletion"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        erase_at: None | str
        if isinstance(self.erase_at, datetime.datetime):
            erase_at = self.erase_at.isoformat()
        else:
            erase_at = self.erase_at

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "erase_at": erase_at,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        def _parse_erase_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                erase_at_type_0 = datetime.datetime.fromisoformat(data)

                return erase_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        erase_at = _parse_erase_at(d.pop("erase_at"))

        object_ = cast(Literal["account_deletion"] | Unset, d.pop("object", UNSET))
        if object_ != "account_deletion" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'account_deletion', got '{object_}'")

        deletion_read = cls(
            id=id,
            erase_at=erase_at,
            object_=object_,
        )

        deletion_read.additional_properties = d
        return deletion_read

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
