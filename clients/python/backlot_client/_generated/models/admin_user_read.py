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

from ..models.admin_user_read_role import AdminUserReadRole, check_admin_user_read_role
from ..models.admin_user_read_status import (
    AdminUserReadStatus,
    check_admin_user_read_status,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="AdminUserRead")


@_attrs_define
class AdminUserRead:
    """A user, for administrators.

    Attributes:
        id (str):
        email (str):
        email_verified_at (datetime.datetime | None):
        name (None | str):
        locale (str):
        role (AdminUserReadRole):
        status (AdminUserReadStatus):
        erase_at (datetime.datetime | None): When the account is to be erased, or was.
        created_at (datetime.datetime):
        object_ (Literal['user'] | Unset):  Default: 'user'.
    """

    id: str
    email: str
    email_verified_at: datetime.datetime | None
    name: None | str
    locale: str
    role: AdminUserReadRole
    status: AdminUserReadStatus
    erase_at: datetime.datetime | None
    created_at: datetime.datetime
    object_: Literal["user"] | Unset = "user"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        email = self.email

        email_verified_at: None | str
        if isinstance(self.email_verified_at, datetime.datetime):
            email_verified_at = self.email_verified_at.isoformat()
        else:
            email_verified_at = self.email_verified_at

        name: None | str
        name = self.name

        locale = self.locale

        role: str = self.role

        status: str = self.status

        erase_at: None | str
        if isinstance(self.erase_at, datetime.datetime):
            erase_at = self.erase_at.isoformat()
        else:
            erase_at = self.erase_at

        created_at = self.created_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "email": email,
                "email_verified_at": email_verified_at,
                "name": name,
                "locale": locale,
                "role": role,
                "status": status,
                "erase_at": erase_at,
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

        email = d.pop("email")

        def _parse_email_verified_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                email_verified_at_type_0 = datetime.datetime.fromisoformat(data)

                return email_verified_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        email_verified_at = _parse_email_verified_at(d.pop("email_verified_at"))

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        locale = d.pop("locale")

        role = check_admin_user_read_role(d.pop("role"))

        status = check_admin_user_read_status(d.pop("status"))

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

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        object_ = cast(Literal["user"] | Unset, d.pop("object", UNSET))
        if object_ != "user" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'user', got '{object_}'")

        admin_user_read = cls(
            id=id,
            email=email,
            email_verified_at=email_verified_at,
            name=name,
            locale=locale,
            role=role,
            status=status,
            erase_at=erase_at,
            created_at=created_at,
            object_=object_,
        )

        admin_user_read.additional_properties = d
        return admin_user_read

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
