from typing import Literal, cast

CreditsLowEventMode = Literal["live", "test"]


def check_credits_low_event_mode(value: str) -> CreditsLowEventMode:
    return cast(CreditsLowEventMode, value)
