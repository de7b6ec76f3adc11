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

from ..models.workspace_role import WorkspaceRole, check_workspace_role
from ..types import UNSET, Unset

T = TypeVar("T", bound="MemberRead")


@_attrs_define
class MemberRead:
    """A user in a workspace.

    Attributes:
        user_id (str):
        email (str):
        name (None | str):
        role (WorkspaceRole): What a user is to a workspace; `app.accounts.permissions` says what each may do.
        created_at (datetime.datetime): Since when they are in the workspace.
        object_ (Literal['member'] | Unset):  Default: 'member'.
    """

    user_id: str
    email: str
    name: None | str
    role: WorkspaceRole
    created_at: datetime.datetime
    object_: Literal["member"] | Unset = "member"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        email = self.email

        name: None | str
        name = self.name

        role: str = self.role

        created_at = self.created_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "email": email,
                "name": name,
                "role": role,
                "created_at": created_at,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        user_id = d.pop("user_id")

        email = d.pop("email")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        role = check_workspace_role(d.pop("role"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        object_ = cast(Literal["member"] | Unset, d.pop("object", UNSET))
        if object_ != "member" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'member', got '{object_}'")

        member_read = cls(
            user_id=user_id,
            email=email,
            name=name,
            role=role,
            created_at=created_at,
            object_=object_,
        )

        member_read.additional_properties = d
        return member_read

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
