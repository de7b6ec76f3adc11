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
    from ..models.breach_read import BreachRead


T = TypeVar("T", bound="VerificationRead")


@_attrs_define
class VerificationRead:
    """What a check of the books or of the audit log found.

    Attributes:
        ok (bool):
        checks (list[str]):
        breaches (list[BreachRead]): At most 20 of each check.
        object_ (Literal['verification'] | Unset):  Default: 'verification'.
    """

    ok: bool
    checks: list[str]
    breaches: list[BreachRead]
    object_: Literal["verification"] | Unset = "verification"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        ok = self.ok

        checks = self.checks

        breaches = []
        for breaches_item_data in self.breaches:
            breaches_item = breaches_item_data.to_dict()
            breaches.append(breaches_item)

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "ok": ok,
                "checks": checks,
                "breaches": breaches,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.breach_read import BreachRead  # noqa: PLC0415

        d = dict(src_dict)
        ok = d.pop("ok")

        checks = cast(list[str], d.pop("checks"))

        breaches = []
        _breaches = d.pop("breaches")
        for breaches_item_data in _breaches:
            breaches_item = BreachRead.from_dict(breaches_item_data)

            breaches.append(breaches_item)

        object_ = cast(Literal["verification"] | Unset, d.pop("object", UNSET))
        if object_ != "verification" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'verification', got '{object_}'")

        verification_read = cls(
            ok=ok,
            checks=checks,
            breaches=breaches,
            object_=object_,
        )

        verification_read.additional_properties = d
        return verification_read

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
