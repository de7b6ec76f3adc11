from typing import Literal, cast

SignUpLocale = Literal["en", "vi"]


def check_sign_up_locale(value: str) -> SignUpLocale:
    return cast(SignUpLocale, value)
