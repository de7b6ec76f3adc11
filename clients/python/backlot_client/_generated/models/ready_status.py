from typing import Literal, cast

ReadyStatus = Literal["down", "ok"]


def check_ready_status(value: str) -> ReadyStatus:
    return cast(ReadyStatus, value)
