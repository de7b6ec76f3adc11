from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.sign_up_locale import SignUpLocale, check_sign_up_locale
from ..types import UNSET, Unset

T = TypeVar("T", bound="SignUp")


@_attrs_define
class SignUp:
    """A new account.

    Attributes:
        email (str):
        password (str): 8 to 128 characters, and not easy to guess.
        name (None | str | Unset):
        locale (SignUpLocale | Unset): The language of mails. Default: 'en'.
        captcha_token (None | str | Unset):
    """

    email: str
    password: str
    name: None | str | Unset = UNSET
    locale: SignUpLocale | Unset = "en"
    captcha_token: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        password = self.password

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        locale: str | Unset = UNSET
        if not isinstance(self.locale, Unset):
            locale = self.locale

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
        if name is not UNSET:
            field_dict["name"] = name
        if locale is not UNSET:
            field_dict["locale"] = locale
        if captcha_token is not UNSET:
            field_dict["captcha_token"] = captcha_token

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        email = d.pop("email")

        password = d.pop("password")

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        _locale = d.pop("locale", UNSET)
        locale: SignUpLocale | Unset
        if isinstance(_locale, Unset):
            locale = UNSET
        else:
            locale = check_sign_up_locale(_locale)

        def _parse_captcha_token(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        captcha_token = _parse_captcha_token(d.pop("captcha_token", UNSET))

        sign_up = cls(
            email=email,
            password=password,
            name=name,
            locale=locale,
            captcha_token=captcha_token,
        )

        return sign_up
