from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.workspace_role import WorkspaceRole, check_workspace_role
from ..types import UNSET, Unset

T = TypeVar("T", bound="InvitationCreate")


@_attrs_define
class InvitationCreate:
    """Whom to invite, as what.

    Attributes:
        email (str):
        role (WorkspaceRole | Unset): What a user is to a workspace; `app.accounts.permissions` says what each may do.
    """

    email: str
    role: WorkspaceRole | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        role: str | Unset = UNSET
        if not isinstance(self.role, Unset):
            role = self.role

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "email": email,
            }
        )
        if role is not UNSET:
            field_dict["role"] = role

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        email = d.pop("email")

        _role = d.pop("role", UNSET)
        role: WorkspaceRole | Unset
        if isinstance(_role, Unset):
            role = UNSET
        else:
            role = check_workspace_role(_role)

        invitation_create = cls(
            email=email,
            role=role,
        )

        return invitation_create
