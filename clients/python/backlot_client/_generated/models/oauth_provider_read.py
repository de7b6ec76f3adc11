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

from ..models.oauth_provider_read_name import (
    OauthProviderReadName,
    check_oauth_provider_read_name,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="OauthProviderRead")


@_attrs_define
class OauthProviderRead:
    """A provider that signs users in here.

    Attributes:
        name (OauthProviderReadName):
        title (str): For a button.
        authorize_url (str): Where to send the browser.
        object_ (Literal['oauth_provider'] | Unset):  Default: 'oauth_provider'.
    """

    name: OauthProviderReadName
    title: str
    authorize_url: str
    object_: Literal["oauth_provider"] | Unset = "oauth_provider"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name: str = self.name

        title = self.title

        authorize_url = self.authorize_url

        object_ = self.object_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "title": title,
                "authorize_url": authorize_url,
            }
        )
        if object_ is not UNSET:
            field_dict["object"] = object_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = check_oauth_provider_read_name(d.pop("name"))

        title = d.pop("title")

        authorize_url = d.pop("authorize_url")

        object_ = cast(Literal["oauth_provider"] | Unset, d.pop("object", UNSET))
        if object_ != "oauth_provider" and not isinstance(object_, Unset):
            raise ValueError(f"object must match const 'oauth_provider', got '{object_}'")

        oauth_provider_read = cls(
            name=name,
            title=title,
            authorize_url=authorize_url,
            object_=object_,
        )

        oauth_provider_read.additional_properties = d
        return oauth_provider_read

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
