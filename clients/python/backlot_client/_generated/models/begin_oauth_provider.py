from typing import Literal, cast

BeginOauthProvider = Literal["github", "google"]


def check_begin_oauth_provider(value: str) -> BeginOauthProvider:
    return cast(BeginOauthProvider, value)
