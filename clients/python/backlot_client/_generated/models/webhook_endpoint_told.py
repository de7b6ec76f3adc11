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

from ..models.webhook_endpoint_told_disabled_reason import (
    WebhookEndpointToldDisabledReason,
    check_webhook_endpoint_told_disabled_reason,
)
from ..models.webhook_endpoint_told_mode import (
    WebhookEndpointToldMode,
    check_webhook_endpoint_told_mode,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="WebhookEndpointTold")


@_attrs_define
class WebhookEndpointTold:
    """A webhook endpoint, and why nothing is sent there any more.

    Attributes:
        id (str):
        mode (WebhookEndpointToldMode):
        url (str):
        description (None | str):
        event_types (list[str] | None):
        status (Literal['disabled']):
        disabled_reason (WebhookEndpointToldDisabledReason):
        disabled_at (datetime.datetime):
        created_at (datetime.datetime):
        object_ (Literal['webhook_endpoint'] | Unset):  Default: 'webhook_endpoint'.
    """

    id: str
    mode: WebhookEndpointToldMode
    url: str
    description: None | str
    event_types: list[str] | None
    status: Literal["disabled"]
    disabled_reason: WebhookEndpointToldDisabledReason
    disabled_at: datetime.datetime
    created_at: datetime.datetime
    object_: Literal["webhook_endpoint"] | Unset = "webhook_endpoint"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        mode: str = self.mode

        url = self.url

        description: None | str
        description = self.description

        event_types: list[str] | None
        if isinstance(self.event_types, list):
            event_types = self.event_types

        else:
            event_types = self.event_types

        status = self.status

        disabled_reason: str = self.disabled_reason

        disabled_at = self.disabled_at.isoformat()

        created_at = self.created_at.isoformat()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "mode": mode,
                "url": url,
                "description": description,
                "event_types": event_types,
                "status": status,
                "disabled_reason": disabled_reason,
                "disabled_at": disabled_at,
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

        mode = check_webhook_endpoint_told_mode(d.pop("mode"))

        url = d.pop("url")

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        def _parse_event_types(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                event_types_type_0 = cast(list[str], data)

                return event_types_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        event_types = _parse_event_types(d.pop("event_types"))

        status = cast(Literal["disabled"], d.pop("status"))
        if status != "disabled":
            raise ValueError(f"status must match const 'disabled', got '{status}'")

        disabled_reason = check_webhook_endpoint_told_disabled_reason(d.pop("disabled_reason"))

        disabled_at = datetime.datetime.fromisoformat(d.pop("disabled_at"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        object_ = cast(Literal["webhook_endpoint"] | Unset, d.pop("object", UNSET))
        if object_ != "webhook_endpoint" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'webhook_endpoint', got '{object_}'")

        webhook_endpoint_told = cls(
            id=id,
            mode=mode,
            url=url,
            description=description,
            event_types=event_types,
            status=status,
            disabled_reason=disabled_reason,
            disabled_at=disabled_at,
            created_at=created_at,
            object_=object_,
        )

        webhook_endpoint_told.additional_properties = d
        return webhook_endpoint_told

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
