from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.routing_prefer import RoutingPrefer, check_routing_prefer
from ..types import UNSET, Unset

T = TypeVar("T", bound="Routing")


@_attrs_define
class Routing:
    """Which provider is to be preferred.

    Attributes:
        prefer (RoutingPrefer | Unset):  Default: 'quality'.
        fallback (bool | Unset): Whether another provider may take over. Default: True.
    """

    prefer: RoutingPrefer | Unset = "quality"
    fallback: bool | Unset = True

    def to_dict(self) -> dict[str, Any]:
        prefer: str | Unset = UNSET
        if not isinstance(self.prefer, Unset):
            prefer = self.prefer

        fallback = self.fallback

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if prefer is not UNSET:
            field_dict["prefer"] = prefer
        if fallback is not UNSET:
            field_dict["fallback"] = fallback

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _prefer = d.pop("prefer", UNSET)
        prefer: RoutingPrefer | Unset
        if isinstance(_prefer, Unset):
            prefer = UNSET
        else:
            prefer = check_routing_prefer(_prefer)

        fallback = d.pop("fallback", UNSET)

        routing = cls(
            prefer=prefer,
            fallback=fallback,
        )

        return routing
