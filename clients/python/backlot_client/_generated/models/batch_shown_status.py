from typing import Literal, cast

BatchShownStatus = Literal["canceled", "completed", "pending", "processing"]


def check_batch_shown_status(value: str) -> BatchShownStatus:
    return cast(BatchShownStatus, value)
