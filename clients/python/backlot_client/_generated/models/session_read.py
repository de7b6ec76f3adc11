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

from ..models.session_read_kind import SessionReadKind, check_session_read_kind
from ..types import UNSET, Unset

T = TypeVar("T", bound="SessionRead")


@_attrs_define
class SessionRead:
    """A session: the user signed in on one device.

    Attributes:
        id (str):
        device (str): What it was signed in with, in words.
        user_agent (None | str):
        ip (None | str): Where it was signed in from.
        kind (SessionReadKind):
        current (bool): Whether it is the one you ask with.
        created_at (datetime.datetime):
        last_used_at (datetime.datetime): To about a minute.
        expires_at (datetime.datetime):
        object_ (Literal['session'] | Unset):  Default: 'session'.
    """

    id: str
    device: str
    user_agent: None | str
    ip: None | str
    kind: SessionReadKind
    current: bool
    created_at: datetime.datetime
    last_used_at: datetime.datetime
    expires_at: datetime.datetime
    object_: Literal["session"] | Unset = "session"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        device = self.device

        user_agent: None | str
        user_agent = self.user_agent

        ip: None | str
        ip = self.ip

        kind: str = self.kind

        current = self.current

        created_at = self.created_at.isoformat()

        last_used_at = self.last_used_at.isoformat()

        expires_at = self.expires_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "device": device,
                "user_agent": user_agent,
                "ip": ip,
                "kind": kind,
                "current": current,
                "created_at": created_at,
                "last_used_at": last_used_at,
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

        device = d.pop("device")

        def _parse_user_agent(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        user_agent = _parse_user_agent(d.pop("user_agent"))

        def _parse_ip(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ip = _parse_ip(d.pop("ip"))

        kind = check_session_read_kind(d.pop("kind"))

        current = d.pop("current")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        last_used_at = datetime.datetime.fromisoformat(d.pop("last_used_at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        object_ = cast(Literal["session"] | Unset, d.pop("object", UNSET))
        if object_ != "session" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'session', got '{object_}'")

        session_read = cls(
            id=id,
            device=device,
            user_agent=user_agent,
            ip=ip,
            kind=kind,
            current=current,
            created_at=created_at,
            last_used_at=last_used_at,
            expires_at=expires_at,
            object_=object_,
        )

        session_read.additional_properties = d
        return session_read

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
