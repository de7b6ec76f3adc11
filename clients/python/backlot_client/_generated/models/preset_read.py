from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PresetRead")


@_attrs_define
class PresetRead:
    """A studio style.

    Attributes:
        id (str):
        name (str):
        category (str):
        description (str):
        prompt (str):
        negative_prompt (str):
        object_ (Literal['preset'] | Unset):  Default: 'preset'.
    """

    id: str
    name: str
    category: str
    description: str
    prompt: str
    negative_prompt: str
    object_: Literal["preset"] | Unset = "preset"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        category = self.category

        description = self.description

        prompt = self.prompt

        negative_prompt = self.negative_prompt

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "category": category,
                "description": description,
                "prompt": prompt,
                "negative_prompt": negative_prompt,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        category = d.pop("category")

        description = d.pop("description")

        prompt = d.pop("prompt")

        negative_prompt = d.pop("negative_prompt")

        object_ = cast(Literal["preset"] | Unset, d.pop("object", UNSET))
        if object_ != "preset" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'preset', got '{object_}'")

        preset_read = cls(
            id=id,
            name=name,
            category=category,
            description=description,
            prompt=prompt,
            negative_prompt=negative_prompt,
            object_=object_,
        )

        preset_read.additional_properties = d
        return preset_read

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
