from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.admin_user_detail_role import (
    AdminUserDetailRole,
    check_admin_user_detail_role,
)
from ..models.admin_user_detail_status import (
    AdminUserDetailStatus,
    check_admin_user_detail_status,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.admin_membership_read import AdminMembershipRead


T = TypeVar("T", bound="AdminUserDetail")


@_attrs_define
class AdminUserDetail:
    """A user with what belongs to them.

    Attributes:
        id (str):
        email (str):
        email_verified_at (datetime.datetime | None):
        name (None | str):
        locale (str):
        role (AdminUserDetailRole):
        status (AdminUserDetailStatus):
        erase_at (datetime.datetime | None): When the account is to be erased, or was.
        created_at (datetime.datetime):
        has_password (bool):
        identities (list[str]): Issuers the user signs in with besides.
        open_sessions (int):
        last_used_at (datetime.datetime | None): When a session of theirs was last used.
        workspaces (list[AdminMembershipRead]):
        object_ (Literal['user'] | Unset):  Default: 'user'.
    """

    id: str
    email: str
    email_verified_at: datetime.datetime | None
    name: None | str
    locale: str
    role: AdminUserDetailRole
    status: AdminUserDetailStatus
    erase_at: datetime.datetime | None
    created_at: datetime.datetime
    has_password: bool
    identities: list[str]
    open_sessions: int
    last_used_at: datetime.datetime | None
    workspaces: list[AdminMembershipRead]
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

        has_password = self.has_password

        identities = self.identities

        open_sessions = self.open_sessions

        last_used_at: None | str
        if isinstance(self.last_used_at, datetime.datetime):
            last_used_at = self.last_used_at.isoformat()
        else:
            last_used_at = self.last_used_at

        workspaces = []
        for workspaces_item_data in self.workspaces:
            workspaces_item = workspaces_item_data.to_dict()
            workspaces.append(workspaces_item)

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
                "has_password": has_password,
                "identities": identities,
                "open_sessions": open_sessions,
                "last_used_at": last_used_at,
                "workspaces": workspaces,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.admin_membership_read import AdminMembershipRead  # noqa: PLC0415

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

        role = check_admin_user_detail_role(d.pop("role"))

        status = check_admin_user_detail_status(d.pop("status"))

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

        has_password = d.pop("has_password")

        identities = cast(list[str], d.pop("identities"))

        open_sessions = d.pop("open_sessions")

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

        workspaces = []
        _workspaces = d.pop("workspaces")
        for workspaces_item_data in _workspaces:
            workspaces_item = AdminMembershipRead.from_dict(workspaces_item_data)

            workspaces.append(workspaces_item)

        object_ = cast(Literal["user"] | Unset, d.pop("object", UNSET))
        if object_ != "user" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'user', got '{object_}'")

        admin_user_detail = cls(
            id=id,
            email=email,
            email_verified_at=email_verified_at,
            name=name,
            locale=locale,
            role=role,
            status=status,
            erase_at=erase_at,
            created_at=created_at,
            has_password=has_password,
            identities=identities,
            open_sessions=open_sessions,
            last_used_at=last_used_at,
            workspaces=workspaces,
            object_=object_,
        )

        admin_user_detail.additional_properties = d
        return admin_user_detail

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
