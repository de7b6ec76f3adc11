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

from ..models.confirmation_read_status import (
    ConfirmationReadStatus,
    check_confirmation_read_status,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="ConfirmationRead")


@_attrs_define
class ConfirmationRead:
    """What became of it.

    Attributes:
        status (ConfirmationReadStatus):
        confirmed_until (datetime.datetime | None):
        object_ (Literal['confirmation'] | Unset):  Default: 'confirmation'.
    """

    status: ConfirmationReadStatus
    confirmed_until: datetime.datetime | None
    object_: Literal["confirmation"] | Unset = "confirmation"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: str = self.status

        confirmed_until: None | str
        if isinstance(self.confirmed_until, datetime.datetime):
            confirmed_until = self.confirmed_until.isoformat()
        else:
            confirmed_until = self.confirmed_until

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "confirmed_until": confirmed_until,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = check_confirmation_read_status(d.pop("status"))

        def _parse_confirmed_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                confirmed_until_type_0 = datetime.datetime.fromisoformat(data)

                return confirmed_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        confirmed_until = _parse_confirmed_until(d.pop("confirmed_until"))

        object_ = cast(Literal["confirmation"] | Unset, d.pop("object", UNSET))
        if object_ != "confirmation" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'confirmation', got '{object_}'")

        confirmation_read = cls(
            status=status,
            confirmed_until=confirmed_until,
            object_=object_,
        )

        confirmation_read.additional_properties = d
        return confirmation_read

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
