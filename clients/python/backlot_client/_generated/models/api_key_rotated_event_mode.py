from typing import Literal, cast

ApiKeyRotatedEventMode = Literal["live", "test"]


def check_api_key_rotated_event_mode(value: str) -> ApiKeyRotatedEventMode:
    return cast(ApiKeyRotatedEventMode, value)
