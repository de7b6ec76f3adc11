from typing import Literal, cast

ApiKeyCreateModeType0 = Literal["live", "test"]


def check_api_key_create_mode_type_0(value: str) -> ApiKeyCreateModeType0:
    return cast(ApiKeyCreateModeType0, value)
