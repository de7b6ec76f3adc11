from typing import Literal, cast

BatchReadStatus = Literal["canceled", "completed", "pending", "processing"]


def check_batch_read_status(value: str) -> BatchReadStatus:
    return cast(BatchReadStatus, value)
