from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.workspace_role import WorkspaceRole, check_workspace_role

T = TypeVar("T", bound="MemberUpdate")


@_attrs_define
class MemberUpdate:
    """Another role for a member.

    Attributes:
        role (WorkspaceRole): What a user is to a workspace; `app.accounts.permissions` says what each may do.
    """

    role: WorkspaceRole

    def to_dict(self) -> dict[str, Any]:
        role: str = self.role

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "role": role,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        role = check_workspace_role(d.pop("role"))

        member_update = cls(
            role=role,
        )

        return member_update
