from typing import Literal, cast

TaskFailedEventMode = Literal["live", "test"]


def check_task_failed_event_mode(value: str) -> TaskFailedEventMode:
    return cast(TaskFailedEventMode, value)
