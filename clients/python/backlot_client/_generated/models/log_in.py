from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="LogIn")


@_attrs_define
class LogIn:
    """Who signs in, and how the session is to be kept.

    Attributes:
        email (str):
        password (str):
        cookies (bool | Unset): For browsers: cookies instead of tokens in the answer. Default: False.
        captcha_token (None | str | Unset):
    """

    email: str
    password: str
    cookies: bool | Unset = False
    captcha_token: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        password = self.password

        cookies = self.cookies

        captcha_token: None | str | Unset
        if isinstance(self.captcha_token, Unset):
            captcha_token = UNSET
        else:
            captcha_token = self.captcha_token

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "email": email,
                "password": password,
            }
        )
        if cookies is not UNSET:
            field_dict["cookies"] = cookies
        if captcha_token is not UNSET:
            field_dict["captcha_token"] = captcha_token

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        email = d.pop("email")

        password = d.pop("password")

        cookies = d.pop("cookies", UNSET)

        def _parse_captcha_token(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        captcha_token = _parse_captcha_token(d.pop("captcha_token", UNSET))

        log_in = cls(
            email=email,
            password=password,
            cookies=cookies,
            captcha_token=captcha_token,
        )

        return log_in
