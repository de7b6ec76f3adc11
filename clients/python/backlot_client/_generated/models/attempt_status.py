from typing import Literal, cast

AttemptStatus = Literal["accepted", "canceled", "failed", "submitting", "succeeded", "unknown"]


def check_attempt_status(value: str) -> AttemptStatus:
    return cast(AttemptStatus, value)
