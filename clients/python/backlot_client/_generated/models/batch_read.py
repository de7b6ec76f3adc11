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

from ..models.batch_read_status import BatchReadStatus, check_batch_read_status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_item_read import BatchItemRead
    from ..models.batch_summary import BatchSummary
    from ..models.routing import Routing


T = TypeVar("T", bound="BatchRead")


@_attrs_define
class BatchRead:
    """A batch with all its items.

    Attributes:
        id (str):
        operation (str):
        status (BatchReadStatus): `completed` when nothing is open any more, whatever came of it; `canceled` after a
            cancel.
        model (str):
        provider (None | str):
        routing (Routing): Which provider is to be preferred.
        summary (BatchSummary): How many items are where. What is reconciling counts as processing; what was refused, as
            failed.
        created_at (datetime.datetime):
        completed_at (datetime.datetime | None):
        metadata (Any):
        items (list[BatchItemRead]):
        object_ (Literal['batch'] | Unset):  Default: 'batch'.
    """

    id: str
    operation: str
    status: BatchReadStatus
    model: str
    provider: None | str
    routing: Routing
    summary: BatchSummary
    created_at: datetime.datetime
    completed_at: datetime.datetime | None
    metadata: Any
    items: list[BatchItemRead]
    object_: Literal["batch"] | Unset = "batch"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        operation = self.operation

        status: str = self.status

        model = self.model

        provider: None | str
        provider = self.provider

        routing = self.routing.to_dict()

        summary = self.summary.to_dict()

        created_at = self.created_at.isoformat()

        completed_at: None | str
        if isinstance(self.completed_at, datetime.datetime):
            completed_at = self.completed_at.isoformat()
        else:
            completed_at = self.completed_at

        metadata = self.metadata

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "operation": operation,
                "status": status,
                "model": model,
                "provider": provider,
                "routing": routing,
                "summary": summary,
                "created_at": created_at,
                "completed_at": completed_at,
                "metadata": metadata,
                "items": items,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_item_read import BatchItemRead  # noqa: PLC0415
        from ..models.batch_summary import BatchSummary  # noqa: PLC0415
        from ..models.routing import Routing  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        operation = d.pop("operation")

        status = check_batch_read_status(d.pop("status"))

        model = d.pop("model")

        def _parse_provider(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        provider = _parse_provider(d.pop("provider"))

        routing = Routing.from_dict(d.pop("routing"))

        summary = BatchSummary.from_dict(d.pop("summary"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_completed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                completed_at_type_0 = datetime.datetime.fromisoformat(data)

                return completed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        metadata = d.pop("metadata")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = BatchItemRead.from_dict(items_item_data)

            items.append(items_item)

        object_ = cast(Literal["batch"] | Unset, d.pop("object", UNSET))
        if object_ != "batch" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'batch', got '{object_}'")

        batch_read = cls(
            id=id,
            operation=operation,
            status=status,
            model=model,
            provider=provider,
            routing=routing,
            summary=summary,
            created_at=created_at,
            completed_at=completed_at,
            metadata=metadata,
            items=items,
            object_=object_,
        )

        batch_read.additional_properties = d
        return batch_read

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
