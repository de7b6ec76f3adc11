from typing import Literal, cast

MeUpdateLocale = Literal["en", "vi"]


def check_me_update_locale(value: str) -> MeUpdateLocale:
    return cast(MeUpdateLocale, value)
