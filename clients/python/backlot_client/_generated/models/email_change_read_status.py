from typing import Literal, cast

EmailChangeReadStatus = Literal["changed", "waiting"]


def check_email_change_read_status(value: str) -> EmailChangeReadStatus:
    return cast(EmailChangeReadStatus, value)
