from typing import Literal, cast

ConfirmationReadStatus = Literal["confirmed", "mail_sent"]


def check_confirmation_read_status(value: str) -> ConfirmationReadStatus:
    return cast(ConfirmationReadStatus, value)
