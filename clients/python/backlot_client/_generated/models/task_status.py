from typing import Literal, cast

TaskStatus = Literal["canceled", "failed", "pending", "processing", "reconciling", "succeeded"]


def check_task_status(value: str) -> TaskStatus:
    return cast(TaskStatus, value)
