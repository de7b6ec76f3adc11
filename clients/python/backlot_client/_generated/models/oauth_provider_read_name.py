from typing import Literal, cast

OauthProviderReadName = Literal["github", "google"]


def check_oauth_provider_read_name(value: str) -> OauthProviderReadName:
    return cast(OauthProviderReadName, value)
