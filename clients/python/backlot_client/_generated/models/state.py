from typing import Literal, cast

State = Literal["closed", "half_open", "open"]


def check_state(value: str) -> State:
    return cast(State, value)
