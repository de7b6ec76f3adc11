from typing import Literal, cast

ApiKeyReadMode = Literal["live", "test"]


def check_api_key_read_mode(value: str) -> ApiKeyReadMode:
    return cast(ApiKeyReadMode, value)
