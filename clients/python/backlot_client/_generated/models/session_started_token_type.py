from typing import Literal, cast

SessionStartedTokenType = Literal["Bearer", "Cookie"]


def check_session_started_token_type(value: str) -> SessionStartedTokenType:
    return cast(SessionStartedTokenType, value)
