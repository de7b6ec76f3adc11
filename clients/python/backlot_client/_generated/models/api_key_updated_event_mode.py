from typing import Literal, cast

ApiKeyUpdatedEventMode = Literal["live", "test"]


def check_api_key_updated_event_mode(value: str) -> ApiKeyUpdatedEventMode:
    return cast(ApiKeyUpdatedEventMode, value)
