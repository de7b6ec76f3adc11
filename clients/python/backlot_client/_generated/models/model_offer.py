from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ModelOffer")


@_attrs_define
class ModelOffer:
    """One way to have an operation done by a model.

    Attributes:
        operation (str):
        provider (str):
        price (float): Credits for one output.
        parameters (list[str] | None): The optional ones it honours; null: all of them.
        values (Any): What it takes for a parameter, where that is less than the operation's schema allows.
        sizes (list[str] | None): All it makes, as `1024x768`; null where any within its limits.
        ratios (list[str] | None): All shapes it makes, as `16:9`; null where any.
        estimated_seconds (float): Of one output, before there is history.
        quality (int): 1 to 5: what `prefer: quality` goes by.
    """

    operation: str
    provider: str
    price: float
    parameters: list[str] | None
    values: Any
    sizes: list[str] | None
    ratios: list[str] | None
    estimated_seconds: float
    quality: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        operation = self.operation

        provider = self.provider

        price = self.price

        parameters: list[str] | None
        if isinstance(self.parameters, list):
            parameters = self.parameters

        else:
            parameters = self.parameters

        values = self.values

        sizes: list[str] | None
        if isinstance(self.sizes, list):
            sizes = self.sizes

        else:
            sizes = self.sizes

        ratios: list[str] | None
        if isinstance(self.ratios, list):
            ratios = self.ratios

        else:
            ratios = self.ratios

        estimated_seconds = self.estimated_seconds

        quality = self.quality

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "operation": operation,
                "provider": provider,
                "price": price,
                "parameters": parameters,
                "values": values,
                "sizes": sizes,
                "ratios": ratios,
                "estimated_seconds": estimated_seconds,
                "quality": quality,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        operation = d.pop("operation")

        provider = d.pop("provider")

        price = d.pop("price")

        def _parse_parameters(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                parameters_type_0 = cast(list[str], data)

                return parameters_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        parameters = _parse_parameters(d.pop("parameters"))

        values = d.pop("values")

        def _parse_sizes(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                sizes_type_0 = cast(list[str], data)

                return sizes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        sizes = _parse_sizes(d.pop("sizes"))

        def _parse_ratios(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                ratios_type_0 = cast(list[str], data)

                return ratios_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        ratios = _parse_ratios(d.pop("ratios"))

        estimated_seconds = d.pop("estimated_seconds")

        quality = d.pop("quality")

        model_offer = cls(
            operation=operation,
            provider=provider,
            price=price,
            parameters=parameters,
            values=values,
            sizes=sizes,
            ratios=ratios,
            estimated_seconds=estimated_seconds,
            quality=quality,
        )

        model_offer.additional_properties = d
        return model_offer

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
