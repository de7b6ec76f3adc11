from typing import Literal, cast

BatchCompletedEventMode = Literal["live", "test"]


def check_batch_completed_event_mode(value: str) -> BatchCompletedEventMode:
    return cast(BatchCompletedEventMode, value)
