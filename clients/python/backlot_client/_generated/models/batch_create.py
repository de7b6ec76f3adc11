from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_item_create import BatchItemCreate
    from ..models.routing import Routing


T = TypeVar("T", bound="BatchCreate")


@_attrs_define
class BatchCreate:
    """The same operation on many inputs.

    Attributes:
        operation (str): One of `GET /v1/operations`.
        items (list[BatchItemCreate]):
        defaults (Any | Unset): Input fields of all items.
        model (str | Unset):  Default: 'auto'.
        provider (None | str | Unset):
        routing (Routing | Unset): Which provider is to be preferred.
        metadata (Any | Unset): Yours: kept and shown.
    """

    operation: str
    items: list[BatchItemCreate]
    defaults: Any | Unset = UNSET
    model: str | Unset = "auto"
    provider: None | str | Unset = UNSET
    routing: Routing | Unset = UNSET
    metadata: Any | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        operation = self.operation

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        defaults = self.defaults

        model = self.model

        provider: None | str | Unset
        if isinstance(self.provider, Unset):
            provider = UNSET
        else:
            provider = self.provider

        routing: dict[str, Any] | Unset = UNSET
        if not isinstance(self.routing, Unset):
            routing = self.routing.to_dict()

        metadata = self.metadata

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "operation": operation,
                "items": items,
            }
        )
        if defaults is not UNSET:
            field_dict["defaults"] = defaults
        if model is not UNSET:
            field_dict["model"] = model
        if provider is not UNSET:
            field_dict["provider"] = provider
        if routing is not UNSET:
            field_dict["routing"] = routing
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_item_create import BatchItemCreate  # noqa: PLC0415
        from ..models.routing import Routing  # noqa: PLC0415

        d = dict(src_dict)
        operation = d.pop("operation")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = BatchItemCreate.from_dict(items_item_data)

            items.append(items_item)

        defaults = d.pop("defaults", UNSET)

        model = d.pop("model", UNSET)

        def _parse_provider(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        provider = _parse_provider(d.pop("provider", UNSET))

        _routing = d.pop("routing", UNSET)
        routing: Routing | Unset
        if isinstance(_routing, Unset):
            routing = UNSET
        else:
            routing = Routing.from_dict(_routing)

        metadata = d.pop("metadata", UNSET)

        batch_create = cls(
            operation=operation,
            items=items,
            defaults=defaults,
            model=model,
            provider=provider,
            routing=routing,
            metadata=metadata,
        )

        return batch_create
