from typing import Literal, cast

AdminUserReadStatus = Literal["active", "erased", "suspended"]


def check_admin_user_read_status(value: str) -> AdminUserReadStatus:
    return cast(AdminUserReadStatus, value)
