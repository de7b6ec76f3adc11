from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.api_key_created_event import ApiKeyCreatedEvent
    from ..models.api_key_revoked_event import ApiKeyRevokedEvent
    from ..models.api_key_rotated_event import ApiKeyRotatedEvent
    from ..models.api_key_updated_event import ApiKeyUpdatedEvent
    from ..models.asset_created_event import AssetCreatedEvent
    from ..models.asset_deleted_event import AssetDeletedEvent
    from ..models.batch_completed_event import BatchCompletedEvent
    from ..models.credits_exhausted_event import CreditsExhaustedEvent
    from ..models.credits_granted_event import CreditsGrantedEvent
    from ..models.credits_low_event import CreditsLowEvent
    from ..models.task_canceled_event import TaskCanceledEvent
    from ..models.task_created_event import TaskCreatedEvent
    from ..models.task_failed_event import TaskFailedEvent
    from ..models.task_progress_event import TaskProgressEvent
    from ..models.task_started_event import TaskStartedEvent
    from ..models.task_succeeded_event import TaskSucceededEvent
    from ..models.webhook_endpoint_disabled_event import WebhookEndpointDisabledEvent


T = TypeVar("T", bound="EventPage")


@_attrs_define
class EventPage:
    """One page of events, newest first.

    Attributes:
        data (list[ApiKeyCreatedEvent | ApiKeyRevokedEvent | ApiKeyRotatedEvent | ApiKeyUpdatedEvent | AssetCreatedEvent
            | AssetDeletedEvent | BatchCompletedEvent | CreditsExhaustedEvent | CreditsGrantedEvent | CreditsLowEvent |
            TaskCanceledEvent | TaskCreatedEvent | TaskFailedEvent | TaskProgressEvent | TaskStartedEvent |
            TaskSucceededEvent | WebhookEndpointDisabledEvent]):
        next_cursor (None | str): Give it as `cursor` for the next page; null on the last.
    """

    data: list[
        ApiKeyCreatedEvent
        | ApiKeyRevokedEvent
        | ApiKeyRotatedEvent
        | ApiKeyUpdatedEvent
        | AssetCreatedEvent
        | AssetDeletedEvent
        | BatchCompletedEvent
        | CreditsExhaustedEvent
        | CreditsGrantedEvent
        | CreditsLowEvent
        | TaskCanceledEvent
        | TaskCreatedEvent
        | TaskFailedEvent
        | TaskProgressEvent
        | TaskStartedEvent
        | TaskSucceededEvent
        | WebhookEndpointDisabledEvent
    ]
    next_cursor: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.api_key_created_event import ApiKeyCreatedEvent  # noqa: PLC0415
        from ..models.api_key_revoked_event import ApiKeyRevokedEvent  # noqa: PLC0415
        from ..models.api_key_rotated_event import ApiKeyRotatedEvent  # noqa: PLC0415
        from ..models.api_key_updated_event import ApiKeyUpdatedEvent  # noqa: PLC0415
        from ..models.asset_created_event import AssetCreatedEvent  # noqa: PLC0415
        from ..models.asset_deleted_event import AssetDeletedEvent  # noqa: PLC0415
        from ..models.batch_completed_event import BatchCompletedEvent  # noqa: PLC0415
        from ..models.credits_exhausted_event import CreditsExhaustedEvent  # noqa: PLC0415
        from ..models.credits_granted_event import CreditsGrantedEvent  # noqa: PLC0415
        from ..models.credits_low_event import CreditsLowEvent  # noqa: PLC0415
        from ..models.task_canceled_event import TaskCanceledEvent  # noqa: PLC0415
        from ..models.task_created_event import TaskCreatedEvent  # noqa: PLC0415
        from ..models.task_failed_event import TaskFailedEvent  # noqa: PLC0415
        from ..models.task_progress_event import TaskProgressEvent  # noqa: PLC0415
        from ..models.task_started_event import TaskStartedEvent  # noqa: PLC0415
        from ..models.task_succeeded_event import TaskSucceededEvent  # noqa: PLC0415

        data = []
        for data_item_data in self.data:
            data_item: dict[str, Any]
            if isinstance(data_item_data, TaskCreatedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, TaskStartedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, TaskProgressEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, TaskSucceededEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, TaskFailedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, TaskCanceledEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, BatchCompletedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, AssetCreatedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, AssetDeletedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, CreditsGrantedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, CreditsLowEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, CreditsExhaustedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, ApiKeyCreatedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, ApiKeyUpdatedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, ApiKeyRotatedEvent):
                data_item = data_item_data.to_dict()
            elif isinstance(data_item_data, ApiKeyRevokedEvent):
                data_item = data_item_data.to_dict()
            else:
                data_item = data_item_data.to_dict()

            data.append(data_item)

        next_cursor: None | str
        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "data": data,
                "next_cursor": next_cursor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.api_key_created_event import ApiKeyCreatedEvent  # noqa: PLC0415
        from ..models.api_key_revoked_event import ApiKeyRevokedEvent  # noqa: PLC0415
        from ..models.api_key_rotated_event import ApiKeyRotatedEvent  # noqa: PLC0415
        from ..models.api_key_updated_event import ApiKeyUpdatedEvent  # noqa: PLC0415
        from ..models.asset_created_event import AssetCreatedEvent  # noqa: PLC0415
        from ..models.asset_deleted_event import AssetDeletedEvent  # noqa: PLC0415
        from ..models.batch_completed_event import BatchCompletedEvent  # noqa: PLC0415
        from ..models.credits_exhausted_event import CreditsExhaustedEvent  # noqa: PLC0415
        from ..models.credits_granted_event import CreditsGrantedEvent  # noqa: PLC0415
        from ..models.credits_low_event import CreditsLowEvent  # noqa: PLC0415
        from ..models.task_canceled_event import TaskCanceledEvent  # noqa: PLC0415
        from ..models.task_created_event import TaskCreatedEvent  # noqa: PLC0415
        from ..models.task_failed_event import TaskFailedEvent  # noqa: PLC0415
        from ..models.task_progress_event import TaskProgressEvent  # noqa: PLC0415
        from ..models.task_started_event import TaskStartedEvent  # noqa: PLC0415
        from ..models.task_succeeded_event import TaskSucceededEvent  # noqa: PLC0415
        from ..models.webhook_endpoint_disabled_event import (
            WebhookEndpointDisabledEvent,  # noqa: PLC0415
        )

        d = dict(src_dict)
        data = []
        _data = d.pop("data")
        for data_item_data in _data:

            def _parse_data_item(
                data: object,
            ) -> (
                ApiKeyCreatedEvent
                | ApiKeyRevokedEvent
                | ApiKeyRotatedEvent
                | ApiKeyUpdatedEvent
                | AssetCreatedEvent
                | AssetDeletedEvent
                | BatchCompletedEvent
                | CreditsExhaustedEvent
                | CreditsGrantedEvent
                | CreditsLowEvent
                | TaskCanceledEvent
                | TaskCreatedEvent
                | TaskFailedEvent
                | TaskProgressEvent
                | TaskStartedEvent
                | TaskSucceededEvent
                | WebhookEndpointDisabledEvent
            ):
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_0 = TaskCreatedEvent.from_dict(data)

                    return data_item_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_1 = TaskStartedEvent.from_dict(data)

                    return data_item_type_1
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_2 = TaskProgressEvent.from_dict(data)

                    return data_item_type_2
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_3 = TaskSucceededEvent.from_dict(data)

                    return data_item_type_3
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_4 = TaskFailedEvent.from_dict(data)

                    return data_item_type_4
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_5 = TaskCanceledEvent.from_dict(data)

                    return data_item_type_5
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_6 = BatchCompletedEvent.from_dict(data)

                    return data_item_type_6
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_7 = AssetCreatedEvent.from_dict(data)

                    return data_item_type_7
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_8 = AssetDeletedEvent.from_dict(data)

                    return data_item_type_8
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_9 = CreditsGrantedEvent.from_dict(data)

                    return data_item_type_9
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_10 = CreditsLowEvent.from_dict(data)

                    return data_item_type_10
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_11 = CreditsExhaustedEvent.from_dict(data)

                    return data_item_type_11
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_12 = ApiKeyCreatedEvent.from_dict(data)

                    return data_item_type_12
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_13 = ApiKeyUpdatedEvent.from_dict(data)

                    return data_item_type_13
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_14 = ApiKeyRotatedEvent.from_dict(data)

                    return data_item_type_14
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    data_item_type_15 = ApiKeyRevokedEvent.from_dict(data)

                    return data_item_type_15
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                if not isinstance(data, dict):
                    raise TypeError()
                data_item_type_16 = WebhookEndpointDisabledEvent.from_dict(data)

                return data_item_type_16

            data_item = _parse_data_item(data_item_data)

            data.append(data_item)

        def _parse_next_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_cursor = _parse_next_cursor(d.pop("next_cursor"))

        event_page = cls(
            data=data,
            next_cursor=next_cursor,
        )

        event_page.additional_properties = d
        return event_page

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
