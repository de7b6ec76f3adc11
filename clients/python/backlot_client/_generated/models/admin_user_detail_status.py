from typing import Literal, cast

AdminUserDetailStatus = Literal["active", "erased", "suspended"]


def check_admin_user_detail_status(value: str) -> AdminUserDetailStatus:
    return cast(AdminUserDetailStatus, value)
