from typing import Literal, cast

AdminUserReadRole = Literal["admin", "user"]


def check_admin_user_read_role(value: str) -> AdminUserReadRole:
    return cast(AdminUserReadRole, value)
