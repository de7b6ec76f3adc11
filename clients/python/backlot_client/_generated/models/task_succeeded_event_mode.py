from typing import Literal, cast

TaskSucceededEventMode = Literal["live", "test"]


def check_task_succeeded_event_mode(value: str) -> TaskSucceededEventMode:
    return cast(TaskSucceededEventMode, value)
