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
    from ..models.model_offer import ModelOffer


T = TypeVar("T", bound="ModelShown")


@_attrs_define
class ModelShown:
    """A model by its name, whoever serves it.

    Attributes:
        id (str):
        title (str):
        owned_by (str): The first of its providers.
        aliases (list[str]):
        offers (list[ModelOffer]):
        object_ (Literal['model'] | Unset):  Default: 'model'.
    """

    id: str
    title: str
    owned_by: str
    aliases: list[str]
    offers: list[ModelOffer]
    object_: Literal["model"] | Unset = "model"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        title = self.title

        owned_by = self.owned_by

        aliases = self.aliases

        offers = []
        for offers_item_data in self.offers:
            offers_item = offers_item_data.to_dict()
            offers.append(offers_item)

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "owned_by": owned_by,
                "aliases": aliases,
                "offers": offers,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_offer import ModelOffer  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        owned_by = d.pop("owned_by")

        aliases = cast(list[str], d.pop("aliases"))

        offers = []
        _offers = d.pop("offers")
        for offers_item_data in _offers:
            offers_item = ModelOffer.from_dict(offers_item_data)

            offers.append(offers_item)

        object_ = cast(Literal["model"] | Unset, d.pop("object", UNSET))
        if object_ != "model" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'model', got '{object_}'")

        model_shown = cls(
            id=id,
            title=title,
            owned_by=owned_by,
            aliases=aliases,
            offers=offers,
            object_=object_,
        )

        model_shown.additional_properties = d
        return model_shown

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
