from typing import Literal, cast

AdminUserDetailRole = Literal["admin", "user"]


def check_admin_user_detail_role(value: str) -> AdminUserDetailRole:
    return cast(AdminUserDetailRole, value)
