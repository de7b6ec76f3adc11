from typing import Literal, cast

StepStatus = Literal["canceled", "failed", "pending", "processing", "succeeded"]


def check_step_status(value: str) -> StepStatus:
    return cast(StepStatus, value)
