from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="IdentityToken")


@_attrs_define
class IdentityToken:
    """A token of an issuer that the operator trusts, whose user is you.

    Attributes:
        token (str): As it would be sent as `Authorization: Bearer`.
    """

    token: str

    def to_dict(self) -> dict[str, Any]:
        token = self.token

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "token": token,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        token = d.pop("token")

        identity_token = cls(
            token=token,
        )

        return identity_token
