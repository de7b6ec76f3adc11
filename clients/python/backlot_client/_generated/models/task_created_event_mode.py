from typing import Literal, cast

TaskCreatedEventMode = Literal["live", "test"]


def check_task_created_event_mode(value: str) -> TaskCreatedEventMode:
    return cast(TaskCreatedEventMode, value)
