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

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.audit_actor import AuditActor
    from ..models.audit_target import AuditTarget


T = TypeVar("T", bound="AuditEntryRead")


@_attrs_define
class AuditEntryRead:
    """One act: who did what to what, from where and when.

    Attributes:
        id (str):
        workspace_id (None | str): Null for acts on the installation as a whole.
        action (str): What was done, as `password.changed`; docs/audit.md lists them.
        actor (AuditActor): Who did it.
        target (AuditTarget | None):
        ip (None | str):
        user_agent (None | str):
        data (Any): What else is known of the act.
        is_erased (bool): Address, user agent and data were erased with somebody's account.
        created_at (datetime.datetime):
        object_ (Literal['audit_entry'] | Unset):  Default: 'audit_entry'.
    """

    id: str
    workspace_id: None | str
    action: str
    actor: AuditActor
    target: AuditTarget | None
    ip: None | str
    user_agent: None | str
    data: Any
    is_erased: bool
    created_at: datetime.datetime
    object_: Literal["audit_entry"] | Unset = "audit_entry"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.audit_target import AuditTarget  # noqa: PLC0415

        id = self.id

        workspace_id: None | str
        workspace_id = self.workspace_id

        action = self.action

        actor = self.actor.to_dict()

        target: dict[str, Any] | None
        if isinstance(self.target, AuditTarget):
            target = self.target.to_dict()
        else:
            target = self.target

        ip: None | str
        ip = self.ip

        user_agent: None | str
        user_agent = self.user_agent

        data = self.data

        is_erased = self.is_erased

        created_at = self.created_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "workspace_id": workspace_id,
                "action": action,
                "actor": actor,
                "target": target,
                "ip": ip,
                "user_agent": user_agent,
                "data": data,
                "is_erased": is_erased,
                "created_at": created_at,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audit_actor import AuditActor  # noqa: PLC0415
        from ..models.audit_target import AuditTarget  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_workspace_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        workspace_id = _parse_workspace_id(d.pop("workspace_id"))

        action = d.pop("action")

        actor = AuditActor.from_dict(d.pop("actor"))

        def _parse_target(data: object) -> AuditTarget | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                target_type_0 = AuditTarget.from_dict(data)

                return target_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AuditTarget | None, data)

        target = _parse_target(d.pop("target"))

        def _parse_ip(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ip = _parse_ip(d.pop("ip"))

        def _parse_user_agent(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        user_agent = _parse_user_agent(d.pop("user_agent"))

        data = d.pop("data")

        is_erased = d.pop("is_erased")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        object_ = cast(Literal["audit_entry"] | Unset, d.pop("object", UNSET))
        if object_ != "audit_entry" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'audit_entry', got '{object_}'")

        audit_entry_read = cls(
            id=id,
            workspace_id=workspace_id,
            action=action,
            actor=actor,
            target=target,
            ip=ip,
            user_agent=user_agent,
            data=data,
            is_erased=is_erased,
            created_at=created_at,
            object_=object_,
        )

        audit_entry_read.additional_properties = d
        return audit_entry_read

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
