from typing import Literal, cast

TaskCanceledEventMode = Literal["live", "test"]


def check_task_canceled_event_mode(value: str) -> TaskCanceledEventMode:
    return cast(TaskCanceledEventMode, value)
