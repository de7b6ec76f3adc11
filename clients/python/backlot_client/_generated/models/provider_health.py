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

from ..models.provider_health_status import (
    ProviderHealthStatus,
    check_provider_health_status,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.latency import Latency
    from ..models.model_health import ModelHealth


T = TypeVar("T", bound="ProviderHealth")


@_attrs_define
class ProviderHealth:
    """How a provider does, by the calls of the last 15 minutes; where there were none, by a probe.

    Attributes:
        provider (str):
        status (ProviderHealthStatus):
        last_success_at (datetime.datetime | None): Of a call in the last 15 minutes, or of a probe.
        calls (int): That ended in the last 15 minutes.
        error_rate (float | None): 0 to 1, of the calls; what the customer's order was refused for is no error. Null
            without calls.
        latency (Latency): Of calls that succeeded, from the order to the result.
        models (list[ModelHealth]):
        probed_at (datetime.datetime | None): Providers nobody ordered from lately are probed each minute.
        object_ (Literal['provider_health'] | Unset):  Default: 'provider_health'.
    """

    provider: str
    status: ProviderHealthStatus
    last_success_at: datetime.datetime | None
    calls: int
    error_rate: float | None
    latency: Latency
    models: list[ModelHealth]
    probed_at: datetime.datetime | None
    object_: Literal["provider_health"] | Unset = "provider_health"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        status: str = self.status

        last_success_at: None | str
        if isinstance(self.last_success_at, datetime.datetime):
            last_success_at = self.last_success_at.isoformat()
        else:
            last_success_at = self.last_success_at

        calls = self.calls

        error_rate: float | None
        error_rate = self.error_rate

        latency = self.latency.to_dict()

        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        probed_at: None | str
        if isinstance(self.probed_at, datetime.datetime):
            probed_at = self.probed_at.isoformat()
        else:
            probed_at = self.probed_at

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "provider": provider,
                "status": status,
                "last_success_at": last_success_at,
                "calls": calls,
                "error_rate": error_rate,
                "latency": latency,
                "models": models,
                "probed_at": probed_at,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.latency import Latency  # noqa: PLC0415
        from ..models.model_health import ModelHealth  # noqa: PLC0415

        d = dict(src_dict)
        provider = d.pop("provider")

        status = check_provider_health_status(d.pop("status"))

        def _parse_last_success_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_success_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_success_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_success_at = _parse_last_success_at(d.pop("last_success_at"))

        calls = d.pop("calls")

        def _parse_error_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        error_rate = _parse_error_rate(d.pop("error_rate"))

        latency = Latency.from_dict(d.pop("latency"))

        models = []
        _models = d.pop("models")
        for models_item_data in _models:
            models_item = ModelHealth.from_dict(models_item_data)

            models.append(models_item)

        def _parse_probed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                probed_at_type_0 = datetime.datetime.fromisoformat(data)

                return probed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        probed_at = _parse_probed_at(d.pop("probed_at"))

        object_ = cast(Literal["provider_health"] | Unset, d.pop("object", UNSET))
        if object_ != "provider_health" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'provider_health', got '{object_}'")

        provider_health = cls(
            provider=provider,
            status=status,
            last_success_at=last_success_at,
            calls=calls,
            error_rate=error_rate,
            latency=latency,
            models=models,
            probed_at=probed_at,
            object_=object_,
        )

        provider_health.additional_properties = d
        return provider_health

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
