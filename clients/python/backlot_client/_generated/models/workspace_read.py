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

from ..models.workspace_kind import WorkspaceKind, check_workspace_kind
from ..models.workspace_role import WorkspaceRole, check_workspace_role
from ..types import UNSET, Unset

T = TypeVar("T", bound="WorkspaceRead")


@_attrs_define
class WorkspaceRead:
    """A workspace: what resources, credits and keys belong to.

    Attributes:
        id (str):
        name (str):
        kind (WorkspaceKind):
        plan (str):
        role (None | WorkspaceRole): The caller's; of an API key its maker's, and null when they are no longer in it.
        created_at (datetime.datetime):
        object_ (Literal['workspace'] | Unset):  Default: 'workspace'.
    """

    id: str
    name: str
    kind: WorkspaceKind
    plan: str
    role: None | WorkspaceRole
    created_at: datetime.datetime
    object_: Literal["workspace"] | Unset = "workspace"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        kind: str = self.kind

        plan = self.plan

        role: None | str
        if isinstance(self.role, str):
            role = self.role
        else:
            role = self.role

        created_at = self.created_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "kind": kind,
                "plan": plan,
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
        id = d.pop("id")

        name = d.pop("name")

        kind = check_workspace_kind(d.pop("kind"))

        plan = d.pop("plan")

        def _parse_role(data: object) -> None | WorkspaceRole:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                role_type_0 = check_workspace_role(data)

                return role_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | WorkspaceRole, data)

        role = _parse_role(d.pop("role"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        object_ = cast(Literal["workspace"] | Unset, d.pop("object", UNSET))
        if object_ != "workspace" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'workspace', got '{object_}'")

        workspace_read = cls(
            id=id,
            name=name,
            kind=kind,
            plan=plan,
            role=role,
            created_at=created_at,
            object_=object_,
        )

        workspace_read.additional_properties = d
        return workspace_read

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
