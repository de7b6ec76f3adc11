from typing import Literal, cast

ApiKeySecretMode = Literal["live", "test"]


def check_api_key_secret_mode(value: str) -> ApiKeySecretMode:
    return cast(ApiKeySecretMode, value)
