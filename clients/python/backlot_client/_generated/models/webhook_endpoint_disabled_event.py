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

from ..models.webhook_endpoint_disabled_event_mode import (
    WebhookEndpointDisabledEventMode,
    check_webhook_endpoint_disabled_event_mode,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.webhook_endpoint_told import WebhookEndpointTold


T = TypeVar("T", bound="WebhookEndpointDisabledEvent")


@_attrs_define
class WebhookEndpointDisabledEvent:
    """A webhook endpoint said that it is gone, or failed for days: nothing is sent there any more.

    Attributes:
        id (str): The same wherever it is told: what to know repeats by.
        type_ (Literal['webhook_endpoint.disabled']):
        version (Literal[1]): Of the shape of `data`: fields are added without a new one.
        timestamp (datetime.datetime): When it happened.
        workspace_id (str):
        mode (WebhookEndpointDisabledEventMode):
        data (WebhookEndpointTold): A webhook endpoint, and why nothing is sent there any more.
        object_ (Literal['event'] | Unset):  Default: 'event'.
    """

    id: str
    type_: Literal["webhook_endpoint.disabled"]
    version: Literal[1]
    timestamp: datetime.datetime
    workspace_id: str
    mode: WebhookEndpointDisabledEventMode
    data: WebhookEndpointTold
    object_: Literal["event"] | Unset = "event"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        type_ = self.type_

        version = self.version

        timestamp = self.timestamp.isoformat()

        workspace_id = self.workspace_id

        mode: str = self.mode

        data = self.data.to_dict()

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "type": type_,
                "version": version,
                "timestamp": timestamp,
                "workspace_id": workspace_id,
                "mode": mode,
                "data": data,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.webhook_endpoint_told import WebhookEndpointTold  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        type_ = cast(Literal["webhook_endpoint.disabled"], d.pop("type"))
        if type_ != "webhook_endpoint.disabled":
            raise ValueError(f"type must match const 'webhook_endpoint.disabled', got '{type_}'")

        version = cast(Literal[1], d.pop("version"))
        if version != 1:
            raise ValueError(f"version must match const 1, got '{version}'")

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        workspace_id = d.pop("workspace_id")

        mode = check_webhook_endpoint_disabled_event_mode(d.pop("mode"))

        data = WebhookEndpointTold.from_dict(d.pop("data"))

        object_ = cast(Literal["event"] | Unset, d.pop("object", UNSET))
        if object_ != "event" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'event', got '{object_}'")

        webhook_endpoint_disabled_event = cls(
            id=id,
            type_=type_,
            version=version,
            timestamp=timestamp,
            workspace_id=workspace_id,
            mode=mode,
            data=data,
            object_=object_,
        )

        webhook_endpoint_disabled_event.additional_properties = d
        return webhook_endpoint_disabled_event

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
