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

from ..models.delivery_status import DeliveryStatus, check_delivery_status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.attempt_shown import AttemptShown


T = TypeVar("T", bound="DeliveryRead")


@_attrs_define
class DeliveryRead:
    """A delivery with all its attempts.

    Attributes:
        id (str):
        endpoint_id (None | str):
        url (None | str): Of a task, where its order named one; else that of the endpoint counts.
        event_id (str): Sent as `webhook-id`, whichever attempt it is.
        event_type (str):
        task_id (None | str):
        is_test (bool):
        status (DeliveryStatus): `discarded`: its endpoint was disabled or deleted before it was delivered.
        attempt_count (int):
        response_status (int | None): Of the latest attempt.
        error (None | str): Why the latest attempt failed: its code.
        next_attempt_at (datetime.datetime | None):
        created_at (datetime.datetime):
        ended_at (datetime.datetime | None):
        attempts (list[AttemptShown]):
        object_ (Literal['webhook_delivery'] | Unset):  Default: 'webhook_delivery'.
    """

    id: str
    endpoint_id: None | str
    url: None | str
    event_id: str
    event_type: str
    task_id: None | str
    is_test: bool
    status: DeliveryStatus
    attempt_count: int
    response_status: int | None
    error: None | str
    next_attempt_at: datetime.datetime | None
    created_at: datetime.datetime
    ended_at: datetime.datetime | None
    attempts: list[AttemptShown]
    object_: Literal["webhook_delivery"] | Unset = "webhook_delivery"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        endpoint_id: None | str
        endpoint_id = self.endpoint_id

        url: None | str
        url = self.url

        event_id = self.event_id

        event_type = self.event_type

        task_id: None | str
        task_id = self.task_id

        is_test = self.is_test

        status: str = self.status

        attempt_count = self.attempt_count

        response_status: int | None
        response_status = self.response_status

        error: None | str
        error = self.error

        next_attempt_at: None | str
        if isinstance(self.next_attempt_at, datetime.datetime):
            next_attempt_at = self.next_attempt_at.isoformat()
        else:
            next_attempt_at = self.next_attempt_at

        created_at = self.created_at.isoformat()

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        attempts = []
        for attempts_item_data in self.attempts:
            attempts_item = attempts_item_data.to_dict()
            attempts.append(attempts_item)

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "endpoint_id": endpoint_id,
                "url": url,
                "event_id": event_id,
                "event_type": event_type,
                "task_id": task_id,
                "is_test": is_test,
                "status": status,
                "attempt_count": attempt_count,
                "response_status": response_status,
                "error": error,
                "next_attempt_at": next_attempt_at,
                "created_at": created_at,
                "ended_at": ended_at,
                "attempts": attempts,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attempt_shown import AttemptShown  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_endpoint_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        endpoint_id = _parse_endpoint_id(d.pop("endpoint_id"))

        def _parse_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        url = _parse_url(d.pop("url"))

        event_id = d.pop("event_id")

        event_type = d.pop("event_type")

        def _parse_task_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        task_id = _parse_task_id(d.pop("task_id"))

        is_test = d.pop("is_test")

        status = check_delivery_status(d.pop("status"))

        attempt_count = d.pop("attempt_count")

        def _parse_response_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        response_status = _parse_response_status(d.pop("response_status"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        def _parse_next_attempt_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_attempt_at_type_0 = datetime.datetime.fromisoformat(data)

                return next_attempt_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_attempt_at = _parse_next_attempt_at(d.pop("next_attempt_at"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        attempts = []
        _attempts = d.pop("attempts")
        for attempts_item_data in _attempts:
            attempts_item = AttemptShown.from_dict(attempts_item_data)

            attempts.append(attempts_item)

        object_ = cast(Literal["webhook_delivery"] | Unset, d.pop("object", UNSET))
        if object_ != "webhook_delivery" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'webhook_delivery', got '{object_}'")

        delivery_read = cls(
            id=id,
            endpoint_id=endpoint_id,
            url=url,
            event_id=event_id,
            event_type=event_type,
            task_id=task_id,
            is_test=is_test,
            status=status,
            attempt_count=attempt_count,
            response_status=response_status,
            error=error,
            next_attempt_at=next_attempt_at,
            created_at=created_at,
            ended_at=ended_at,
            attempts=attempts,
            object_=object_,
        )

        delivery_read.additional_properties = d
        return delivery_read

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
