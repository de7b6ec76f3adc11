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

from ..models.export_read_status import ExportReadStatus, check_export_read_status
from ..types import UNSET, Unset

T = TypeVar("T", bound="ExportRead")


@_attrs_define
class ExportRead:
    """An archive of what is kept of the account.

    Attributes:
        id (str):
        status (ExportReadStatus):
        bytes_ (int | None):
        url (None | str): A link to the ZIP for who has it, new each time; null unless it is ready.
        created_at (datetime.datetime):
        completed_at (datetime.datetime | None):
        expires_at (datetime.datetime | None): When it is removed.
        object_ (Literal['export'] | Unset):  Default: 'export'.
    """

    id: str
    status: ExportReadStatus
    bytes_: int | None
    url: None | str
    created_at: datetime.datetime
    completed_at: datetime.datetime | None
    expires_at: datetime.datetime | None
    object_: Literal["export"] | Unset = "export"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        status: str = self.status

        bytes_: int | None
        bytes_ = self.bytes_

        url: None | str
        url = self.url

        created_at = self.created_at.isoformat()

        completed_at: None | str
        if isinstance(self.completed_at, datetime.datetime):
            completed_at = self.completed_at.isoformat()
        else:
            completed_at = self.completed_at

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "status": status,
                "bytes": bytes_,
                "url": url,
                "created_at": created_at,
                "completed_at": completed_at,
                "expires_at": expires_at,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        status = check_export_read_status(d.pop("status"))

        def _parse_bytes_(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        bytes_ = _parse_bytes_(d.pop("bytes"))

        def _parse_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        url = _parse_url(d.pop("url"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_completed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                completed_at_type_0 = datetime.datetime.fromisoformat(data)

                return completed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

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

        object_ = cast(Literal["export"] | Unset, d.pop("object", UNSET))
        if object_ != "export" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'export', got '{object_}'")

        export_read = cls(
            id=id,
            status=status,
            bytes_=bytes_,
            url=url,
            created_at=created_at,
            completed_at=completed_at,
            expires_at=expires_at,
            object_=object_,
        )

        export_read.additional_properties = d
        return export_read

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
