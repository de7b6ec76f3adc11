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

from ..models.me_read_role import MeReadRole, check_me_read_role
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.api_key_read import ApiKeyRead
    from ..models.seat_read import SeatRead


T = TypeVar("T", bound="MeRead")


@_attrs_define
class MeRead:
    """Who is calling.

    Attributes:
        id (str):
        email (str):
        email_verified_at (datetime.datetime | None): Null: open the link in the mail first, to spend credits.
        name (None | str):
        locale (str):
        role (MeReadRole): What the user is to the whole installation.
        erase_at (datetime.datetime | None): The account is to be deleted then; `POST /v1/me/restore` keeps it.
        created_at (datetime.datetime):
        has_password (bool): False for users who sign in elsewhere alone.
        workspace (SeatRead): A workspace, and the user's role in it.
        workspaces (list[SeatRead]): The workspaces the user is in, a hundred at most; `GET /v1/workspaces` lists all.
            An API key is in its own alone.
        api_key (ApiKeyRead | None): The key of this request, where there is one.
        object_ (Literal['user'] | Unset):  Default: 'user'.
    """

    id: str
    email: str
    email_verified_at: datetime.datetime | None
    name: None | str
    locale: str
    role: MeReadRole
    erase_at: datetime.datetime | None
    created_at: datetime.datetime
    has_password: bool
    workspace: SeatRead
    workspaces: list[SeatRead]
    api_key: ApiKeyRead | None
    object_: Literal["user"] | Unset = "user"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.api_key_read import ApiKeyRead  # noqa: PLC0415

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

        erase_at: None | str
        if isinstance(self.erase_at, datetime.datetime):
            erase_at = self.erase_at.isoformat()
        else:
            erase_at = self.erase_at

        created_at = self.created_at.isoformat()

        has_password = self.has_password

        workspace = self.workspace.to_dict()

        workspaces = []
        for workspaces_item_data in self.workspaces:
            workspaces_item = workspaces_item_data.to_dict()
            workspaces.append(workspaces_item)

        api_key: dict[str, Any] | None
        if isinstance(self.api_key, ApiKeyRead):
            api_key = self.api_key.to_dict()
        else:
            api_key = self.api_key

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
                "erase_at": erase_at,
                "created_at": created_at,
                "has_password": has_password,
                "workspace": workspace,
                "workspaces": workspaces,
                "api_key": api_key,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.api_key_read import ApiKeyRead  # noqa: PLC0415
        from ..models.seat_read import SeatRead  # noqa: PLC0415

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

        role = check_me_read_role(d.pop("role"))

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

        workspace = SeatRead.from_dict(d.pop("workspace"))

        workspaces = []
        _workspaces = d.pop("workspaces")
        for workspaces_item_data in _workspaces:
            workspaces_item = SeatRead.from_dict(workspaces_item_data)

            workspaces.append(workspaces_item)

        def _parse_api_key(data: object) -> ApiKeyRead | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                api_key_type_0 = ApiKeyRead.from_dict(data)

                return api_key_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ApiKeyRead | None, data)

        api_key = _parse_api_key(d.pop("api_key"))

        object_ = cast(Literal["user"] | Unset, d.pop("object", UNSET))
        if object_ != "user" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'user', got '{object_}'")

        me_read = cls(
            id=id,
            email=email,
            email_verified_at=email_verified_at,
            name=name,
            locale=locale,
            role=role,
            erase_at=erase_at,
            created_at=created_at,
            has_password=has_password,
            workspace=workspace,
            workspaces=workspaces,
            api_key=api_key,
            object_=object_,
        )

        me_read.additional_properties = d
        return me_read

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
