from typing import Literal, cast

TaskProgressEventMode = Literal["live", "test"]


def check_task_progress_event_mode(value: str) -> TaskProgressEventMode:
    return cast(TaskProgressEventMode, value)
