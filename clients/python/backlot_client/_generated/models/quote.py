from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.quoted_credits import QuotedCredits


T = TypeVar("T", bound="Quote")


@_attrs_define
class Quote:
    """What a task would cost. Nothing is kept.

    Attributes:
        credits (QuotedCredits):
        model (str):
        provider (str):
        estimated_seconds (int):
    """

    credits: QuotedCredits
    model: str
    provider: str
    estimated_seconds: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        credits = self.credits.to_dict()

        model = self.model

        provider = self.provider

        estimated_seconds = self.estimated_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "credits": credits,
                "model": model,
                "provider": provider,
                "estimated_seconds": estimated_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.quoted_credits import QuotedCredits  # noqa: PLC0415

        d = dict(src_dict)
        credits = QuotedCredits.from_dict(d.pop("credits"))

        model = d.pop("model")

        provider = d.pop("provider")

        estimated_seconds = d.pop("estimated_seconds")

        quote = cls(
            credits=credits,
            model=model,
            provider=provider,
            estimated_seconds=estimated_seconds,
        )

        quote.additional_properties = d
        return quote

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
