from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.workspace_kind import WorkspaceKind, check_workspace_kind
from ..models.workspace_role import WorkspaceRole, check_workspace_role

T = TypeVar("T", bound="SeatRead")


@_attrs_define
class SeatRead:
    """A workspace, and the user's role in it.

    Attributes:
        id (str):
        name (str):
        kind (WorkspaceKind):
        role (None | WorkspaceRole): Null for an API key whose maker is no longer in its workspace.
    """

    id: str
    name: str
    kind: WorkspaceKind
    role: None | WorkspaceRole
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        kind: str = self.kind

        role: None | str
        if isinstance(self.role, str):
            role = self.role
        else:
            role = self.role

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "kind": kind,
                "role": role,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        kind = check_workspace_kind(d.pop("kind"))

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

        seat_read = cls(
            id=id,
            name=name,
            kind=kind,
            role=role,
        )

        seat_read.additional_properties = d
        return seat_read

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
