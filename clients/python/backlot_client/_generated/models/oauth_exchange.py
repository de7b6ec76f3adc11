from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="OauthExchange")


@_attrs_define
class OauthExchange:
    """A code of a redirect, and what proves that it was meant for you.

    Attributes:
        code (str): From the fragment of the redirect.
        code_verifier (str): Whose SHA-256, as base64url, was the `code_challenge`.
    """

    code: str
    code_verifier: str

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        code_verifier = self.code_verifier

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "code": code,
                "code_verifier": code_verifier,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        code_verifier = d.pop("code_verifier")

        oauth_exchange = cls(
            code=code,
            code_verifier=code_verifier,
        )

        return oauth_exchange
