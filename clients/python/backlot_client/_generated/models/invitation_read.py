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

T = TypeVar("T", bound="InvitationRead")


@_attrs_define
class InvitationRead:
    """An invitation that is open. The link is in the mail alone.

    Attributes:
        id (str):
        email (str):
        role (WorkspaceRole): What a user is to a workspace; `app.accounts.permissions` says what each may do.
        invited_by (str):
        created_at (datetime.datetime):
        expires_at (datetime.datetime): Until then it can be accepted; sending it again gives it another week.
        object_ (Literal['invitation'] | Unset):  Default: 'invitation'.
    """

    id: str
    email: str
    role: WorkspaceRole
    invited_by: str
    created_at: datetime.datetime
    expires_at: datetime.datetime
    object_: Literal["invitation"] | Unset = "invitation"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        email = self.email

        role: str = self.role

        invited_by = self.invited_by

        created_at = self.created_at.isoformat()

        expires_at = self.expires_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "email": email,
                "role": role,
                "invited_by": invited_by,
                "created_at": created_at,
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

        email = d.pop("email")

        role = check_workspace_role(d.pop("role"))

        invited_by = d.pop("invited_by")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        object_ = cast(Literal["invitation"] | Unset, d.pop("object", UNSET))
        if object_ != "invitation" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'invitation', got '{object_}'")

        invitation_read = cls(
            id=id,
            email=email,
            role=role,
            invited_by=invited_by,
            created_at=created_at,
            expires_at=expires_at,
            object_=object_,
        )

        invitation_read.additional_properties = d
        return invitation_read

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
