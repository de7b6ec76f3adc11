from __future__ import annotations

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
    from ..models.model_read import ModelRead


T = TypeVar("T", bound="OperationRead")


@_attrs_define
class OperationRead:
    """An operation: what it takes, who does it, what it costs.

    Attributes:
        name (str):
        description (str):
        input_schema (Any): JSON Schema of a task's `input`.
        price (float): Credits for one output with the model `auto` takes.
        models (list[ModelRead]):
        object_ (Literal['operation'] | Unset):  Default: 'operation'.
    """

    name: str
    description: str
    input_schema: Any
    price: float
    models: list[ModelRead]
    object_: Literal["operation"] | Unset = "operation"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        description = self.description

        input_schema = self.input_schema

        price = self.price

        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "description": description,
                "input_schema": input_schema,
                "price": price,
                "models": models,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_read import ModelRead  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        description = d.pop("description")

        input_schema = d.pop("input_schema")

        price = d.pop("price")

        models = []
        _models = d.pop("models")
        for models_item_data in _models:
            models_item = ModelRead.from_dict(models_item_data)

            models.append(models_item)

        object_ = cast(Literal["operation"] | Unset, d.pop("object", UNSET))
        if object_ != "operation" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'operation', got '{object_}'")

        operation_read = cls(
            name=name,
            description=description,
            input_schema=input_schema,
            price=price,
            models=models,
            object_=object_,
        )

        operation_read.additional_properties = d
        return operation_read

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
