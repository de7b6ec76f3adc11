from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.state import State, check_state

T = TypeVar("T", bound="ModelHealth")


@_attrs_define
class ModelHealth:
    """
    Attributes:
        model (str):
        breaker (State):
        calls (int):
        error_rate (float | None):
    """

    model: str
    breaker: State
    calls: int
    error_rate: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        breaker: str = self.breaker

        calls = self.calls

        error_rate: float | None
        error_rate = self.error_rate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "breaker": breaker,
                "calls": calls,
                "error_rate": error_rate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        breaker = check_state(d.pop("breaker"))

        calls = d.pop("calls")

        def _parse_error_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        error_rate = _parse_error_rate(d.pop("error_rate"))

        model_health = cls(
            model=model,
            breaker=breaker,
            calls=calls,
            error_rate=error_rate,
        )

        model_health.additional_properties = d
        return model_health

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
