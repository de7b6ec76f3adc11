from typing import Literal, cast

UserReadRole = Literal["admin", "user"]


def check_user_read_role(value: str) -> UserReadRole:
    return cast(UserReadRole, value)
