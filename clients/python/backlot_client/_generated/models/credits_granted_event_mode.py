from typing import Literal, cast

CreditsGrantedEventMode = Literal["live", "test"]


def check_credits_granted_event_mode(value: str) -> CreditsGrantedEventMode:
    return cast(CreditsGrantedEventMode, value)
