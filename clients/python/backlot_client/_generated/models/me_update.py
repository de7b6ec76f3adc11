from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.me_update_locale import MeUpdateLocale, check_me_update_locale
from ..types import UNSET, Unset

T = TypeVar("T", bound="MeUpdate")


@_attrs_define
class MeUpdate:
    """What may be changed of oneself. What is left out stays.

    Attributes:
        name (None | str | Unset): Null takes it away.
        locale (MeUpdateLocale | Unset):  Default: 'en'.
    """

    name: None | str | Unset = UNSET
    locale: MeUpdateLocale | Unset = "en"

    def to_dict(self) -> dict[str, Any]:
        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        locale: str | Unset = UNSET
        if not isinstance(self.locale, Unset):
            locale = self.locale

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if name is not UNSET:
            field_dict["name"] = name
        if locale is not UNSET:
            field_dict["locale"] = locale

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        _locale = d.pop("locale", UNSET)
        locale: MeUpdateLocale | Unset
        if isinstance(_locale, Unset):
            locale = UNSET
        else:
            locale = check_me_update_locale(_locale)

        me_update = cls(
            name=name,
            locale=locale,
        )

        return me_update
