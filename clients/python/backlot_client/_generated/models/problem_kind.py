from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ProblemKind")


@_attrs_define
class ProblemKind:
    """One kind of failure.

    Attributes:
        code (str): Stable: decide by this.
        type_ (str):
        title (str):
        status (int):
        help_ (None | str): What it means and what to do.
    """

    code: str
    type_: str
    title: str
    status: int
    help_: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        type_ = self.type_

        title = self.title

        status = self.status

        help_: None | str
        help_ = self.help_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "type": type_,
                "title": title,
                "status": status,
                "help": help_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        type_ = d.pop("type")

        title = d.pop("title")

        status = d.pop("status")

        def _parse_help_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        help_ = _parse_help_(d.pop("help"))

        problem_kind = cls(
            code=code,
            type_=type_,
            title=title,
            status=status,
            help_=help_,
        )

        problem_kind.additional_properties = d
        return problem_kind

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
