from typing import Literal, cast

FinishOauthProvider = Literal["github", "google"]


def check_finish_oauth_provider(value: str) -> FinishOauthProvider:
    return cast(FinishOauthProvider, value)
