from typing import Literal, cast

CreditsExhaustedEventMode = Literal["live", "test"]


def check_credits_exhausted_event_mode(value: str) -> CreditsExhaustedEventMode:
    return cast(CreditsExhaustedEventMode, value)
