from typing import Literal, cast

TaskStartedEventMode = Literal["live", "test"]


def check_task_started_event_mode(value: str) -> TaskStartedEventMode:
    return cast(TaskStartedEventMode, value)
