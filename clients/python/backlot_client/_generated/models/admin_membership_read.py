from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.admin_membership_read_kind import (
    AdminMembershipReadKind,
    check_admin_membership_read_kind,
)
from ..models.admin_membership_read_role import (
    AdminMembershipReadRole,
    check_admin_membership_read_role,
)

T = TypeVar("T", bound="AdminMembershipRead")


@_attrs_define
class AdminMembershipRead:
    """A workspace the user is in.

    Attributes:
        workspace_id (str):
        name (str):
        kind (AdminMembershipReadKind):
        role (AdminMembershipReadRole):
    """

    workspace_id: str
    name: str
    kind: AdminMembershipReadKind
    role: AdminMembershipReadRole
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        workspace_id = self.workspace_id

        name = self.name

        kind: str = self.kind

        role: str = self.role

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "workspace_id": workspace_id,
                "name": name,
                "kind": kind,
                "role": role,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        workspace_id = d.pop("workspace_id")

        name = d.pop("name")

        kind = check_admin_membership_read_kind(d.pop("kind"))

        role = check_admin_membership_read_role(d.pop("role"))

        admin_membership_read = cls(
            workspace_id=workspace_id,
            name=name,
            kind=kind,
            role=role,
        )

        admin_membership_read.additional_properties = d
        return admin_membership_read

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
