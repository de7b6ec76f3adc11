from typing import Literal, cast

ExportReadStatus = Literal["expired", "failed", "pending", "ready"]


def check_export_read_status(value: str) -> ExportReadStatus:
    return cast(ExportReadStatus, value)
