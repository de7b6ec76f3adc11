from typing import Literal, cast

ApiKeyRevokedEventMode = Literal["live", "test"]


def check_api_key_revoked_event_mode(value: str) -> ApiKeyRevokedEventMode:
    return cast(ApiKeyRevokedEventMode, value)
