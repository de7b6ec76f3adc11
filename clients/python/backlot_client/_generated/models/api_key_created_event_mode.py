from typing import Literal, cast

ApiKeyCreatedEventMode = Literal["live", "test"]


def check_api_key_created_event_mode(value: str) -> ApiKeyCreatedEventMode:
    return cast(ApiKeyCreatedEventMode, value)
